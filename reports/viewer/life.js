// What an op was, became, was split into, pass by pass; one entry for as long as it stays the same.
//
//   opLife.render(at, stations)     a list; `at` is {compile, step, op, module, line, row}, the
//                                   stations are those of family.of
"use strict";
const opLife = (() => {
  const { make, link, join, named, lines, constants, standing, MANY } = markup;

  function render(at, stations) {
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
    item.append(make("p", make("span.pass", ops.length ? link(compile, step, first.place, strip.title(compile.steps[step])) : strip.title(compile.steps[step])), ` ${verb(compile, ops, before)}`));
    const old = new Map(before.map((op) => [op.line, compile.row(op.row)]));
    const order = [...ops].sort((a, b) => (b.line === at.line) - (a.line === at.line));
    for (const op of order.slice(0, MANY)) item.append(entry(at, step, op, old.get(op.line)));
    if (ops.length > MANY) item.append(make("p.muted", `and ${ops.length - MANY} more`));
    if (same.length) {
      const names = same.map((one) => link(compile, one, first && ops.length ? compile.place(compile.module(one), first.line) : null, strip.title(compile.steps[one])));
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
    const parts = [
      link(compile, step, op.place, make("code", row.op), ` %${op.place}`), " ",
      old && old.makes !== row.makes ? [make("del", words.chip(old.makes)), " → "] : "", words.chip(row.makes), " ",
      make(old && old.standsFor !== row.standsFor ? "b.differs" : "span", standing(row.standsFor) || ""),
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
    const pass = link(compile, failed.index, at < 0 ? null : at, strip.title(failed));
    item.append(make("p", make("b", "✗ "), make("span.pass", pass), " failed", note.blame ? " at this op" : ""));
    const { refused } = compile;
    if (!note.blame && refused && module) item.append(make("p.muted", "at ", named(compile, refused.step, module, refused.op)));
    return item;
  }

  return { render };
})();
