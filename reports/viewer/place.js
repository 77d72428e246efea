// Where one is: a compile, a step, an op. It is the page's address, so that a link leads there:
//
//   #int4/QuantizeRealize/23     the op that is 23rd in the module behind that pass
//   #int4/FoldConstant~2         the second pass of that name
//   #int4/QuantizeRealize        the pass alone
//   #int4/QuantizeRealize/-7     beside another compile: the op that only that one has, 7th in its module
//
//   place.href(compile, step, op)     such an address; step is an index, op a place or null; -1 is
//                                     the first of the other compile's ops, -2 its second
//   place.here(compiles)              {compile, step, op} of the page's address, or null
//   place.at(address, compiles)       the same of another address
//   place.go(compile, step, op)       goes there
//   place.watch(function)             is called whenever one has gone somewhere
"use strict";
const place = (() => {
  const watchers = [];

  function href(compile, step, op) {
    const { name, ordinal } = compile.steps[step];
    const pass = ordinal > 1 ? `${name}~${ordinal}` : name;
    const parts = [compile.name, pass, ...(op === null || op === undefined ? [] : [op < 0 ? `-${-1 - op}` : String(op)])];
    return "#" + parts.map((part) => encodeURIComponent(part).replaceAll("%2F", "/")).join("/");
  }

  function here(compiles) {
    return at(location.hash, compiles);
  }

  // Configurations have slashes of their own (int8/int8/int32), so the compile comes first.
  function at(address, compiles) {
    let text;
    try {
      text = decodeURIComponent(address.slice(1));
    } catch {
      return null;
    }
    const fits = compiles.filter((compile) => text === compile.name || text.startsWith(compile.name + "/"));
    const compile = fits.sort((a, b) => b.name.length - a.name.length)[0];
    if (!compile) return null;
    const [pass, op] = text.slice(compile.name.length + 1).split("/");
    const [, name, ordinal] = /^(.*?)(?:~(\d+))?$/.exec(pass || "");
    const step = compile.steps.find((one) => one.name === name && one.ordinal === Number(ordinal || 1));
    if (!step) return pass ? null : { compile, step: null, op: null };
    return { compile, step: step.index, op: /^\d+$/.test(op || "") ? Number(op) : /^-\d+$/.test(op || "") ? -1 - Number(op.slice(1)) : null };
  }

  function go(compile, step, op) {
    const address = href(compile, step, op);
    if (address === location.hash) return;
    history.replaceState(history.state, "", address);
    tell();
  }

  function tell() {
    for (const watcher of watchers) watcher();
  }

  addEventListener("hashchange", tell);
  return { href, here, at, go, watch: (watcher) => watchers.push(watcher) };
})();
