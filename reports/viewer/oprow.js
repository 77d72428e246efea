// One row of the listing: an op, what it reads, its attributes, what it makes and stands for; what
// is different from the module before stands beside what was, word by word.
//
//   oprow.make(compile, view, row, look)    look: {height, wide, refused}
//   oprow.fold(compile, view, fold, look)   the rows from, to of the view, unchanged
"use strict";
const oprow = (() => {
  const MARKS = { same: " ", added: "+", removed: "−", changed: "~", rewired: "↷" };
  const SAID = { same: "", added: "added: ", removed: "removed: ", changed: "changed: ", rewired: "reads another: " };

  function make(compile, view, row, look) {
    const there = row.kind === "removed" ? view.before : view.now;
    const fresh = compile.row(there.rows[row.place === null ? row.old : row.place]);
    const both = row.kind === "changed" || row.kind === "rewired";
    const old = both ? compile.row(view.before.rows[row.old]) : null;
    const place = row.place === null ? row.old : row.place;
    const mark = look.refused ? "✗" : MARKS[row.kind];
    return [
      dom.make("span.v-mark", { "aria-hidden": "true" }, mark),
      dom.make("span.visually-hidden", {}, look.refused ? `${compile.outcome} here: ` : SAID[row.kind]),
      dom.make("span.v-at", { title: row.old !== null && row.old !== place ? `%${row.old} in the module before` : null }, `%${place}`),
      rail(compile, view, row, look),
      text(compile, view, there, fresh, old, look),
      made(fresh, old),
    ];
  }

  function rail(compile, view, row, look) {
    const rows = rails.of(compile, view.now);
    if (row.place !== null) return rails.op(rows[row.place], look.height, look.wide, look.refused ? "refused" : row.kind);
    const behind = compile.place(view.now, row.behind);
    return rails.between(behind < 0 ? [] : rows[behind].after, look.height, look.wide, false);
  }

  function text(compile, view, there, fresh, old, look) {
    const name = old && old.op !== fresh.op ? words.difference(old.op, fresh.op) : [dom.make("b", {}, fresh.op)];
    const said = dom.make("span.v-text", { title: plain(compile, there, fresh) },
      name, "(", ...reads(compile, view, there, fresh, old), ")",
      look.refused ? dom.make("strong.v-refused", {}, ` ← ${compile.outcome} here`) : null,
      ...attributes(fresh, old),
      fresh.span ? dom.make("span.v-span", {}, ` ${fresh.span}`) : null);
    return said;
  }

  function reads(compile, view, there, fresh, old) {
    const [now, then] = [diff.reads(fresh), old ? diff.reads(old) : null];
    return now.flatMap((read, i) => {
      const was = then && then[i];
      const differs = then && JSON.stringify(was) !== JSON.stringify(read);
      return [i ? ", " : null, ...(differs ? changedRead(compile, view, read, was) : [said(compile, there, read)])];
    });
  }

  function changedRead(compile, view, read, was) {
    const unknown = was && was.line === undefined && /^\w+\[\]$/.test(was.text); // a scalar nobody had set yet
    if (read.line === undefined && was && was.line === undefined && !unknown) return words.difference(was.text, read.text);
    const before = was === undefined ? "nothing" : was.line === undefined ? was.text : named(compile, view.before, was);
    return [dom.make("ins", { title: `before: ${before}` }, said(compile, view.now, read))];
  }

  function said(compile, module, read) {
    if (read.line === undefined) return dom.make("span.v-constant", {}, words.type(read.text));
    const place = compile.place(module, read.line);
    return dom.make("span.v-ref", { "data-place": place < 0 ? null : place, title: named(compile, module, read) }, spelt(place, read));
  }

  function spelt(place, read) {
    return `%${place < 0 ? "?" : place}${read.part === undefined ? "" : "." + read.part}`;
  }

  function named(compile, module, read) {
    const place = compile.place(module, read.line);
    return place < 0 ? "an op that is not in this module" : `${spelt(place, read)} ${compile.row(module.rows[place]).op}`;
  }

  function attributes(fresh, old) {
    const before = new Map(old ? old.attributes : fresh.attributes);
    const names = [...new Set([...fresh.attributes.map(([name]) => name), ...before.keys()])];
    const now = new Map(fresh.attributes);
    const changed = names.filter((name) => before.get(name) !== now.get(name));
    const rest = names.filter((name) => !changed.includes(name));
    return [
      ...changed.map((name) => dom.make("span.v-changed", {}, ` ${name}=`, words.difference(before.get(name) || "", now.get(name) || ""))),
      rest.length ? dom.make("span.v-attributes", {}, rest.map((name) => ` ${name}=${now.get(name).replaceAll(", ", ",")}`).join("")) : null,
    ];
  }

  function made(fresh, old) {
    const makes = old && old.makes !== fresh.makes ? [dom.make("del", {}, words.chip(old.makes)), "→", words.chip(fresh.makes)] : [words.chip(fresh.makes)];
    const stands = old && old.standsFor !== fresh.standsFor ? words.standing(fresh.standsFor, old.standsFor)
      : fresh.standsFor ? words.standing(fresh.standsFor) : null;
    return dom.make("span.v-made", {}, stands, ...makes);
  }

  function plain(compile, module, row) {
    const reads = diff.reads(row).map((read) => (read.line === undefined ? read.text : spelt(compile.place(module, read.line), read)));
    const lines = [`${row.op}(${reads.join(", ")})`, ...row.attributes.map(([name, value]) => `${name} = ${value}`), `makes ${words.type(row.makes)}`];
    return [...lines, row.standsFor, row.span].filter(Boolean).join("\n");
  }

  function fold(compile, view, { from, to }, look) {
    const rows = rails.of(compile, view.now), first = view.rows[from], last = view.rows[to];
    const lanes = rows[first.place].before.filter((lane) => rows[last.place].after.includes(lane));
    return [
      dom.make("span.v-mark", { "aria-hidden": "true" }, "▸"),
      dom.make("span.v-at"),
      rails.between(lanes.length ? lanes : rows[last.place].after, look.height, look.wide, true),
      dom.make("span.v-text", {}, `${words.many(to - from + 1, "op")} unchanged`),
      dom.make("span.v-made"),
    ];
  }

  return { make, fold };
})();
