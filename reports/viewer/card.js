// The selected op on one card: what it is at this pass, what it reads and who reads it, what is known
// of it, what it was and became in all other passes, and the same op in the other configurations.
//
//   opCard.attach(compiles)                       once
//   opCard.render(element, compile, step, op)     hidden where no op is selected
"use strict";
const opCard = (() => {
  const MOST = 6;
  const BYTES = { bool: 1 };
  let compiles = [];

  function render(element, compile, step, op) {
    const module = compile.module(step);
    element.hidden = op === null || !module;
    if (element.hidden) return void dom.fill(element);
    const line = module.lines[op], row = compile.row(module.rows[op]);
    dom.fill(
      element,
      dom.make("h4.c-name", {}, `%${op} ${row.op}`),
      row.span ? dom.make("p.c-span", {}, row.span) : null,
      dom.make("p.c-chips", {}, words.chip(row.makes), row.standsFor ? words.standing(row.standsFor) : null),
      facts(compile, step, module, line, row),
      dom.make("h5", {}, "Through the passes"),
      life(compile, step, line),
      ...elsewhere(compile, step, op),
      share(compile, step, op),
    );
  }

  function facts(compile, step, module, line, row) {
    const known = knowledge(compile, line);
    const lines = [
      ["reads", links(compile, step, module, diff.reads(row).filter((one) => one.line !== undefined).map((one) => one.line))],
      ["read by", links(compile, step, module, users(module, compile).get(line) || [])],
      ["weights", weights(row)],
      ["attributes", row.attributes.map(([name, value]) => `${name}=${value.replaceAll(", ", ",")}`).join(" ")],
      ["alone in the failing pass", known.fate && (known.reason ? `${known.fate}: ${known.reason}` : known.fate)],
      ["error alone", decibel(known.alone)],
      ["with all before it", decibel(known.propagated)],
      ["of the output, if only this is quantized", decibel(known.at_output)],
      ["of float's values", shares(known)],
      ["kernel", known.kernel && `${words.time(known.ms)}, ${known.kernel.replace("tvmgen_default_", "")}`],
    ];
    const said = lines.filter(([, value]) => value && value.length);
    return dom.make("dl.c-facts", {}, said.map(([name, value]) => [dom.make("dt", {}, name), dom.make("dd", {}, value)]));
  }

  // What is noted of the op itself, else of what it was before or became.
  function knowledge(compile, line) {
    const known = {};
    for (const one of [line, ...compile.life(line).map((entry) => entry.line)])
      for (const [name, value] of Object.entries(compile.notes[one] || {})) if (!(name in known)) known[name] = value;
    return known;
  }

  function decibel(value) {
    if (value === "exact") return "none, it is exact";
    return value === undefined || value === null ? "" : `${value.toFixed(1)} dB SQNR`;
  }

  // What a quantization step does to the values that the float model has there.
  function shares({ clipped, zeroed, largest }) {
    const share = (value, what) => (value === undefined || value === null ? "" : `${(100 * value).toFixed(2)} % ${what}`);
    const most = largest === undefined || largest === null ? "" : `the largest ${Number(largest.toPrecision(3))}`;
    return [share(clipped, "clipped"), share(zeroed, "become 0"), most].filter(Boolean).join(", ");
  }

  function weights(row) {
    const constants = diff.reads(row).filter((one) => one.line === undefined && /^\w+\[\d.*\] [0-9a-f]{8}$/.test(one.text));
    return constants.map((one) => `${one.text}, ${words.many(bytes(one.text), "byte")}`).join("; ");
  }

  function bytes(text) {
    const dtype = words.dtype(text), sizes = (/\[([^\]]*)\]/.exec(text) || ["", ""])[1].split(",").filter(Boolean);
    const bits = BYTES[dtype] ? 8 * BYTES[dtype] : Number((/\d+$/.exec(dtype) || ["8"])[0]);
    return Math.ceil((sizes.reduce((product, size) => product * Number(size), 1) * bits) / 8);
  }

  function users(module, compile) {
    if (!module.users) {
      module.users = new Map();
      module.rows.forEach((number, place) => {
        for (const read of diff.reads(compile.row(number)))
          if (read.line !== undefined) module.users.set(read.line, [...(module.users.get(read.line) || []), module.lines[place]]);
      });
    }
    return module.users;
  }

  function links(compile, step, module, lines) {
    const places = [...new Set(lines)].map((line) => compile.place(module, line)).filter((place) => place >= 0);
    const shown = places.slice(0, MOST).map((place) => [link(compile, step, place, `%${place} ${compile.row(module.rows[place]).op}`), " "]);
    return places.length > MOST ? [...shown, `and ${places.length - MOST} more`] : shown;
  }

  function link(compile, step, place_, text) {
    return dom.make("a", { href: place.href(compile, step, place_) }, text);
  }

  // One line for each pass in which anything about it changed.
  function life(compile, step, line) {
    const steps = new Map();
    for (const entry of compile.life(line)) steps.set(entry.step, [...(steps.get(entry.step) || []), entry]);
    const now = compile.module(step).step;
    const rows = [];
    let before = "";
    for (const [at, entries] of steps) {
      const same = entries.map((entry) => entry.row).join() === before;
      before = entries.map((entry) => entry.row).join();
      if (same && at !== now) continue;
      rows.push(dom.make("tr", { class: at === now ? "here" : null, "aria-current": at === now ? "step" : null },
        dom.make("th", { scope: "row" }, link(compile, at, entries[0].place, strip.title(compile.steps[at]))),
        dom.make("td", {}, entries.slice(0, MOST).map((entry) => moment(compile, at, entry)),
          entries.length > MOST ? `and ${entries.length - MOST} more` : null)));
    }
    return dom.make("table.c-life", {}, dom.make("tbody", {}, rows, end(compile, new Set([...steps.values()].flat().map((entry) => entry.line)))));
  }

  // Where the compile ended at one of these lines.
  function end(compile, lines) {
    const { step, op } = compile.refused || {};
    if (step === undefined || !compile.steps[step].failed || !lines.has(compile.line(step, op))) return null;
    return dom.make("tr", {}, dom.make("th", { scope: "row" }, link(compile, step, op, strip.title(compile.steps[step]))), dom.make("td", {}, dom.make("span.v-failed", {}, `✗ ${compile.outcome} here`)));
  }

  function moment(compile, step, entry) {
    const row = compile.row(entry.row);
    return dom.make("div", {}, link(compile, step, entry.place, `%${entry.place} ${row.op}`), " ",
      words.chip(row.makes), row.standsFor ? words.standing(row.standsFor) : null);
  }

  // The same op in the other configurations, behind the same pass or the last one before. What a pass
  // failed on was given to it, so there it is also what the others' was given.
  function elsewhere(compile, step, op) {
    const given = compile.steps[step].failed && compile.module(step - 1) === compile.module(step);
    const steps = given ? [step - 1, step] : [step];
    const found = compiles.filter((other) => other !== compile)
      .flatMap((other) => distinct(steps.map((at) => family.elsewhere(compile, at, op, other))).map((there) => counterpart(other, there)));
    return found.length ? [dom.make("h5", {}, "The same op elsewhere"), dom.make("table.c-life", {}, dom.make("tbody", {}, found))] : [];
  }

  function distinct(places) {
    const found = places.filter(Boolean);
    return found.filter((one, i) => !found.slice(0, i).some((before) => before.step === one.step && before.place === one.place));
  }

  function counterpart(other, there) {
    const known = knowledge(other, there.line);
    const measured = known.alone === undefined || known.alone === null ? null : `error alone ${decibel(known.alone)}`;
    return dom.make("tr", {}, dom.make("th", { scope: "row" }, link(other, there.step, there.place, other.name)),
      dom.make("td", {}, moment(other, there.step, there), dom.make("div.muted", {}, `${other.steps[there.step].failed ? "given to" : "behind"} ${strip.title(other.steps[there.step])}`, there.of > 1 ? `, the nearest of ${there.of} that stand for it` : ""),
        known.ms !== undefined && known.ms !== null ? dom.make("div", {}, `${words.time(known.ms)} in its kernel`) : null,
        measured ? dom.make("div", {}, measured) : null));
  }

  function share(compile, step, op) {
    const address = place.href(compile, step, op);
    const said = dom.make("span.muted", { role: "status" });
    const button = dom.make("button", { type: "button" }, "Copy a link to this");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(new URL(address, location.href).href);
        said.textContent = " copied";
      } catch {
        said.textContent = ` ${address} behind the page's own address`;
      }
    });
    return dom.make("p.c-share", {}, button, said);
  }

  return { attach: (all) => { compiles = all; }, render };
})();
