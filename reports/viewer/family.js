// What an op was and became, step by step, and which op of another compile is the same one.
//
//   family.of(compile, line)            its stations: [{step, ops, before, same}]
//   family.roots(compile, line)         the lines of the model that it stands in for
//   family.elsewhere(compile, step, place, other)   {step, place, line, row} of the other compile, or null
//   family.sameModel(compile, other)    do both begin with the same module, op by op?
"use strict";
const family = (() => {
  // A station is a module in which something about them differs; `same` are the steps behind it
  // whose modules left them as they are. `before` are the ops of the station before.
  function of(compile, line) {
    const stations = [];
    let before = [];
    const life = new Map();
    for (const one of compile.life(line)) life.set(one.step, [...(life.get(one.step) || []), one]);
    for (const { step } of compile.modules) {
      const ops = life.get(step) || [];
      const last = stations[stations.length - 1];
      if (!last && !ops.length) continue;
      if (last && key(ops) === key(before)) last.same.push(step);
      else stations.push({ step, ops, before, same: [] });
      before = ops;
    }
    return stations;
  }

  function key(ops) {
    return ops.map((op) => `${op.line}:${op.row}`).join(" ");
  }

  function roots(compile, line) {
    compile.rootsOf ||= new Map();
    const known = compile.rootsOf.get(line);
    if (known) return known;
    const seen = new Set([line]);
    for (const one of seen) for (const parent of compile.parents(one)) seen.add(parent);
    const first = compile.modules[0];
    const found = new Set([...seen].filter((one) => first && compile.place(first, one) >= 0));
    compile.rootsOf.set(line, found);
    return found;
  }

  // Only then are lines of one compile those of the other.
  function sameModel(compile, other) {
    const [here, there] = [compile.modules[0], other.modules[0]];
    const equal = (a, b) => a.length === b.length && a.every((value, index) => value === b[index]);
    return Boolean(here && there && equal(here.rows, there.rows) && equal(here.lines, there.lines));
  }

  // The step of that name, or the last one that the other compile came to before it would be.
  function counterpart(compile, step, other) {
    const { name, ordinal, stage } = compile.steps[step];
    const same = other.steps.find((one) => one.name === name && one.ordinal === ordinal);
    if (same) return same.index;
    const stages = new Set(compile.steps.slice(0, step + 1).map((one) => one.stage));
    const upTo = other.steps.filter((one) => stages.has(one.stage) && (one.stage === stage || !one.lowered));
    return upTo.length ? upTo[upTo.length - 1].index : 0;
  }

  function elsewhere(compile, step, place, other) {
    const now = compile.module(step);
    if (!now || !sameModel(compile, other)) return null;
    const line = now.lines[place], op = compile.row(now.rows[place]).op;
    const wanted = roots(compile, line);
    if (!wanted.size) return null;
    for (let at = counterpart(compile, step, other); at >= 0; at = (other.module(at) || { step: 0 }).step - 1) {
      const found = best(other, other.module(at), wanted, op);
      if (found) return { step: at, ...found };
    }
    return null;
  }

  // Of the ops that stand in for one of those of the model: called the same, then most in common.
  function best(other, module, wanted, op) {
    let found = null, most = 0;
    if (module)
      module.lines.forEach((line, place) => {
        const theirs = roots(other, line);
        const common = [...theirs].filter((root) => wanted.has(root)).length;
        if (!common) return;
        const score = common / (theirs.size + wanted.size - common) + (other.row(module.rows[place]).op === op ? 1 : 0);
        if (score > most) [most, found] = [score, { place, line, row: module.rows[place] }];
      });
    return found;
  }

  return { of, roots, elsewhere, sameModel };
})();
