// One op, followed through the compile: what it is, what is known of it, what it was and became.
//
//   opCard.render(element, compile, step, op)     fills the element; op is a place or null
"use strict";
const opCard = (() => {
  const { make, link, join } = markup;
  const MANY = 8;

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
    element.replaceChildren(head(at), facts(at, noted(at, stations)), make("h4", "Through the passes"), life(at, stations), others(at));
  }

  function head({ compile, step, op, row, line }) {
    const note = compile.notes[line] || {};
    const pass = title(compile.steps[step]);
    const where = make("p.muted", `op ${op} ${pass === "the model" ? "of the model" : `behind ${pass}`}, ${compile.name}`);
    const refused = note.blame ? make("p.refusal", make("b", "✗ "), note.blame) : null;
    return make("header", make("h3", make("code", row.op), " ", make("code.type", row.makes)), where, copier(compile, step, op), refused);
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

  // A pass, and which one of that name.
  function title({ name, ordinal }) {
    return ordinal > 1 ? `${name} (${ordinal})` : name;
  }

  function standing(text) {
    const [, dtype, rest] = /^as ([^·]*?)(?: · (.*))?$/.exec(text) || [];
    if (!dtype) return null;
    const bits = /^u?int(\d+)$/.exec(dtype);
    const [clip, scale] = rest && rest.startsWith("[") ? rest.split(" · ") : [null, rest];
    return [
      make("b", `as ${dtype}`), bits ? ` · ${words.many(Number(bits[1]), "bit")}` : "",
      clip ? ` · clipped to ${clip} steps` : "", scale ? ` · scale ${scale}` : "",
    ];
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

  function named(compile, step, module, at) {
    return link(compile, step, at, make("code", compile.row(module.rows[at]).op), ` ${at}`);
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

  function lines(reads) {
    const found = reads.map((read) => (typeof read === "number" ? read : Number((/^%(\d+)\.\d+$/.exec(read) || [])[1] ?? -1)));
    return [...new Set(found.filter((line) => line >= 0))];
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

  function constant(read) {
    return typeof read === "string" ? /^(\w+?)(\d*)\[([\d,]*)\] ([0-9a-f]{8}|\?)$/.exec(read) : null;
  }

  function constants(row) {
    return row.reads.filter((read) => constant(read));
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
    const whose = (one) => (one.line === line ? "" : [" (", link(compile, one.step, one.place, make("code", compile.row(one.row).op), ` behind ${title(compile.steps[one.step])}`), ")"]);
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

  function mark(fate) {
    return { accepted: "✓", rejected: "✗", "cannot be judged alone": "?" }[fate] || "–";
  }

  // Its life

  function life(at, stations) {
    const { compile, step, module } = at;
    const list = make("ol.life");
    for (const station of stations) list.append(stop(at, station));
    const failed = compile.steps.find((one) => one.failed);
    if (failed) list.append(end(at, failed));
    const shown = [...list.children].find((item) => item.dataset.step === String(step)) ||
      [...list.children].find((item) => (item.dataset.steps || "").split(" ").includes(String(module.step)));
    if (shown) shown.setAttribute("aria-current", "step");
    return list;
  }

  function stop(at, { step, ops, before, same }) {
    const { compile } = at;
    const item = make("li");
    item.dataset.step = step;
    item.dataset.steps = [step, ...same].join(" ");
    const first = ops[0] || before[0];
    item.append(make("p", make("span.pass", ops.length ? link(compile, step, first.place, title(compile.steps[step])) : title(compile.steps[step])), ` ${verb(compile, ops, before)}`));
    const old = new Map(before.map((op) => [op.line, compile.row(op.row)]));
    const order = [...ops].sort((a, b) => (b.line === at.line) - (a.line === at.line));
    for (const op of order.slice(0, MANY)) item.append(entry(at, step, op, old.get(op.line)));
    if (ops.length > MANY) item.append(make("p.muted", `and ${ops.length - MANY} more`));
    if (same.length) {
      const names = same.map((one) => link(compile, one, first && ops.length ? compile.place(compile.module(one), first.line) : null, title(compile.steps[one])));
      const links = names.length > 3 ? make("details", make("summary", `as it is behind ${names.length} more passes`), join(", ", names)) : make("p", "as it is behind ", join(", ", names));
      item.append(make("div.same", links));
    }
    return item;
  }

  function verb(compile, ops, before) {
    if (!before.length) return "";
    if (!ops.length) return "left no op that stands for it";
    const old = new Set(before.map((op) => op.line));
    const fresh = ops.filter((op) => !old.has(op.line));
    if (!fresh.length) return "changed it";
    if (fresh.every((op) => compile.row(op.row).op.startsWith("@") || compile.row(op.row).op === "call_lowered")) return "lowered it into";
    const made = new Set(fresh.flatMap((op) => compile.parents(op.line)).flatMap((parent) => compile.children(parent)));
    if (made.size > fresh.length) return `put ${words.many(made.size, "op")} in their place, of which`;
    return fresh.length > 1 ? `split it into ${words.many(fresh.length, "op")}` : before.length > 1 ? "joined them into" : "made it";
  }

  function entry({ compile, line }, step, op, old) {
    const row = compile.row(op.row);
    const differs = (key) => (old && String(old[key]) !== String(row[key]) ? "b.differs" : "span");
    const before = (key) => (old && String(old[key]) !== String(row[key]) && old[key] ? make("del", old[key]) : "");
    const parts = [
      link(compile, step, op.place, make("code", row.op), ` ${op.place}`), " ",
      before("makes"), " ", make(differs("makes"), make("code", row.makes)), " ",
      make(differs("standsFor"), standing(row.standsFor) || ""),
    ];
    if (old && String(old.attributes) !== String(row.attributes)) parts.push(" ", changes(old.attributes, row.attributes));
    if (old) parts.push(make("span.muted", reading(compile, step, old, row)));
    return make(op.line === line ? "p.op.this" : "p.op", ...parts);
  }

  function reading(compile, step, old, now) {
    const was = new Set(lines(old.reads)), module = compile.module(step);
    const fresh = lines(now.reads).filter((line) => !was.has(line)).map((line) => compile.place(module, line)).filter((at) => at >= 0);
    if (fresh.length) return [" now reads ", join(", ", fresh.slice(0, MANY).map((at) => named(compile, step, module, at)))];
    return String(constants(old)) === String(constants(now)) ? "" : " other constants";
  }

  function changes(old, now) {
    const was = new Map(old);
    const fresh = now.filter(([name, value]) => was.get(name) !== value);
    return join(" ", fresh.map(([name, value]) => make("b.differs", make("code", `${name}=${value}`))));
  }

  function end({ compile, line }, failed) {
    const item = make("li.end");
    item.dataset.step = failed.index;
    const module = compile.module(failed.index), at = module ? compile.place(module, line) : -1;
    const note = compile.notes[line] || {};
    const pass = link(compile, failed.index, at < 0 ? null : at, title(failed));
    item.append(make("p", make("b", "✗ "), make("span.pass", pass), " failed", note.blame ? " at this op" : ""));
    const { refused } = compile;
    if (!note.blame && refused && module) item.append(make("p.muted", "at ", named(compile, refused.step, module, refused.op)));
    return item;
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
      link(other, step, at, make("code", op), ` ${at} behind ${title(other.steps[step])}`), of > 1 ? `, one of ${of} ops that stand for it,` : "", " ",
      make("code", makes), standsFor ? ` ${standsFor}` : "", fate ? ` · ${mark(fate)} ${fate}` : "",
      errors ? ` · error ${sqnr(errors.errors)}` : "", timed ? ` · ${timed.kernel.ms.toPrecision(3)} ms` : "",
    ];
  }

  function absent(compile, other) {
    return make("span.muted", family.sameModel(compile, other) ? "no op there stands for the same ops of the model" : "it begins with another module, so its ops cannot be told");
  }

  return { render };
})();
