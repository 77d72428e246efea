// One op, followed through the compile: what it is, what is known of it, what it was and became
// (life.js), and where it is in the other configurations.
//
//   opCard.render(element, compile, step, op)     fills the element; op is a place or null
"use strict";
const opCard = (() => {
  const { make, link, join, named, lines, constant, constants, standing, mark, MANY } = markup;

  function render(element, compile, step, op) {
    const module = compile && step !== null ? compile.module(step) : null;
    const line = module && op !== null ? module.lines[op] : undefined;
    element.setAttribute("aria-label", "The op");
    if (line === undefined) {
      element.replaceChildren(make("p.muted", "Choose an op, and its life is told here."));
      return;
    }
    const at = { compile, step, op, module, line, row: compile.row(module.rows[op]) };
    const stations = family.of(compile, line);
    element.replaceChildren(head(at), facts(at, noted(at, stations)), make("h4", "Through the passes"), opLife.render(at, stations), others(at));
  }

  function head({ compile, step, op, row, line }) {
    const note = compile.notes[line] || {};
    const pass = strip.title(compile.steps[step]);
    const behind = step === 0 ? "of the model" : `${compile.steps[step].failed ? "given to" : "behind"} ${pass}`;
    const where = make("p.muted", `op %${op} ${behind}, ${compile.name}`);
    const refused = note.blame ? make("p.refusal", make("b", "✗ "), note.blame) : null;
    return make("header", make("h3", make("code", row.op), " ", words.chip(row.makes)), where, copier(compile, step, op), refused);
  }

  // Where the clipboard is not allowed, the address is selected, to be copied by hand.
  function copier(compile, step, op) {
    const address = location.href.split("#")[0] + place.href(compile, step, op);
    const button = make("button", "Copy link"), said = make("output");
    const field = make("input.address");
    button.type = "button";
    field.readOnly = true;
    field.hidden = true;
    field.value = address;
    field.setAttribute("aria-label", "The link");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(address);
        said.textContent = "copied";
      } catch {
        field.hidden = false;
        field.select();
        said.textContent = "selected: copy it by hand";
      }
    });
    return make("p.copy", button, said, field);
  }

  // The facts

  function facts(at, { said, missing }) {
    const { compile, step, module, line, row } = at;
    const list = make("dl");
    const add = (name, ...value) => {
      if (value.flat(Infinity).some(Boolean)) list.append(make("div", make("dt", name), make("dd", ...value)));
    };
    add("Will compute", standing(row.standsFor));
    add("Reads", join(", ", row.reads.map((read) => operand(at, read))));
    const users = readers(compile, module).get(line) || [];
    const shown = users.slice(0, MANY).map((place) => named(compile, step, module, place));
    add("Read by", join(", ", shown), users.length > MANY ? ` and ${users.length - MANY} more` : "");
    add("Weights", join(make("br"), weights(at)));
    add("Attributes", row.attributes.length ? make("code", row.attributes.map((pair) => pair.join("=")).join(", ")) : "");
    add("In the model", row.span ? make("code", row.span) : "");
    for (const [name, value] of said) add(name, value);
    add("Not known", missing.join("; "));
    return list;
  }

  function operand({ compile, step, module }, read) {
    const [, number, part] = /^%(\d+)\.(\d+)$/.exec(read) || [];
    const line = typeof read === "number" ? read : number === undefined ? null : Number(number);
    const at = line === null ? -1 : compile.place(module, line);
    if (at < 0) return typeof read === "number" ? `%${read}` : make("code", read);
    const row = compile.row(module.rows[at]);
    const field = part === undefined ? "" : `, its field ${part}`;
    return [named(compile, step, module, at), field, row.standsFor && row.op.startsWith("simulated") ? ` ${row.standsFor}` : ""];
  }

  // By line, the places of the ops of a module that read it.
  const known = new WeakMap();
  function readers(compile, module) {
    if (!known.has(module)) {
      const found = new Map();
      module.rows.forEach((number, at) => {
        for (const line of lines(compile.row(number).reads)) found.set(line, [...(found.get(line) || []), at]);
      });
      known.set(module, found);
    }
    return known.get(module);
  }

  // The constant tensors that it reads, itself or by ops that compute with constants alone.
  function weights({ compile, module, row }) {
    const found = constants(row).map((text) => [text, ""]);
    for (const line of lines(row.reads)) {
      const way = [];
      const known = alone(compile, module, line, way, 0);
      if (known) found.push(...known.map((text) => [text, ` by way of ${way.join(", ")}`]));
    }
    return found.slice(0, MANY).map(([text, way]) => make("span", weight(text), way));
  }

  function alone(compile, module, line, way, depth) {
    const at = compile.place(module, line);
    if (at < 0 || depth > MANY) return null;
    const row = compile.row(module.rows[at]);
    const found = constants(row);
    way.push(row.op);
    for (const read of row.reads) {
      if (typeof read !== "number" && !constant(read) && !/^[-\d.einfa]+$/.test(read)) return null;
      if (typeof read === "number") {
        const above = alone(compile, module, read, way, depth + 1);
        if (!above) return null;
        found.push(...above);
      }
    }
    return found.length ? found : null;
  }

  function weight(text) {
    const [, kind, bits, sizes, hash] = constant(text);
    const elements = sizes ? sizes.split(",").reduce((all, size) => all * Number(size), 1) : 1;
    const bytes = Math.ceil((elements * Number(bits || 8)) / 8);
    return [make("code", `${kind}${bits}[${sizes}]`), ` ${words.many(bytes, "byte")}, `, hash === "?" ? "no hash on record" : ["hash ", make("code", hash)]];
  }

  // What was measured and found out: of the op, or of what it was or became

  function noted({ compile, line }, stations) {
    const last = new Map();
    for (const { ops, step, same } of stations)
      for (const op of ops) last.set(op.line, { ...op, step: same.length ? same[same.length - 1] : step });
    const found = [...last.values()].filter((one) => compile.notes[one.line]);
    const has = (key) => found.filter((one) => compile.notes[one.line][key]).slice(0, MANY);
    const whose = (one) => (one.line === line ? "" : [" (", link(compile, one.step, one.place, make("code", compile.row(one.row).op), ` behind ${strip.title(compile.steps[one.step])}`), ")"]);
    const all = (key, say) => join(make("br"), has(key).map((one) => make("span", say(compile.notes[one.line]), whose(one))));
    const kinds = [
      ["Error", all("errors", ({ errors }) => sqnr(errors)), "its error"],
      ["Values", all("range", ({ range }) => shares(range)), ""],
      ["Time", all("kernel", ({ kernel }) => [`${kernel.ms.toPrecision(3)} ms in `, make("code", kernel.name)]), "the time of its kernel"],
      ["Taken alone", all("fate", ({ fate, why }) => `${mark(fate)} ${fate}${why ? `: ${why}` : ""}`), "what the failing pass says of it alone"],
    ];
    const refused = compile.steps.some((one) => one.failed);
    const missing = kinds.filter(([name, value, what]) => what && !value.length && (name !== "Taken alone" || refused));
    return { said: kinds.map(([name, value]) => [name, value]), missing: missing.map(([, , what]) => what) };
  }

  function sqnr({ alone: own, before, output }) {
    const parts = [`${decibel(before)} with all that came before`];
    parts.unshift(own === undefined ? "not measured alone, or float" : `${decibel(own)} alone`);
    if (output !== undefined) parts.push(`the output then ${decibel(output)}`);
    return parts.join(", ");
  }

  function decibel(value) {
    return typeof value === "number" ? `${value.toFixed(1)} dB` : value;
  }

  function shares({ clipped, zeroed, largest }) {
    const percent = (share) => `${(100 * share).toFixed(2)} %`;
    return [
      clipped === undefined ? "" : `${percent(clipped)} clipped`, zeroed === undefined ? "" : `${percent(zeroed)} become 0`,
      largest === undefined ? "" : `the largest is ${largest.toPrecision(4)}`,
    ].filter(Boolean).join(", ");
  }

  // The same op elsewhere

  function others(at) {
    const { compile, step, op } = at;
    const section = make("section", make("h4", "The same op in the other configurations"));
    const all = store.compiles.filter((other) => other !== compile);
    const list = make("ul.others");
    for (const other of all) {
      const found = family.elsewhere(compile, step, op, other);
      list.append(make("li", make("b", other.name), ` (${other.outcome}): `, found ? there(other, found) : absent(compile, other)));
    }
    section.append(all.length ? list : make("p.muted", "There is no other configuration."));
    return section;
  }

  function there(other, { step, place: at, row, line, of }) {
    const { op, makes, standsFor } = other.row(row);
    const notes = other.life(line).map((one) => other.notes[one.line]).filter(Boolean);
    const { fate } = other.notes[line] || {}, errors = notes.find((note) => note.errors), timed = notes.find((note) => note.kernel);
    return [
      link(other, step, at, make("code", op), ` %${at} ${other.steps[step].failed ? "given to" : "behind"} ${strip.title(other.steps[step])}`), of > 1 ? `, one of ${of} ops that stand for it,` : "", " ",
      words.chip(makes), standsFor ? ` ${standsFor}` : "", fate ? ` · ${mark(fate)} ${fate}` : "",
      errors ? ` · error ${sqnr(errors.errors)}` : "", timed ? ` · ${timed.kernel.ms.toPrecision(3)} ms` : "",
    ];
  }

  function absent(compile, other) {
    return make("span.muted", family.sameModel(compile, other) ? "no op there stands for the same ops of the model" : "it begins with another module, so its ops cannot be told");
  }

  return { render };
})();
