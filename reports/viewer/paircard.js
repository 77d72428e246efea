// The card of an op in two compiles: what it was before and is now, and the passes at which it differs.
//
//   opCard.attach(compiles)                    nothing to prepare: a pair has all that is shown
//   opCard.render(element, pair, step, op)     hidden where no op is selected
"use strict";
const opCard = (() => {
  const MOST = 12;
  // What is not known of both is no difference.
  const UNCOMPARED = ["alone in the failing pass", "error alone", "with all before it"];

  function render(element, pair, step, op) {
    const line = pair.line(step, op);
    element.hidden = line === null;
    if (element.hidden) return void dom.fill(element);
    const sides = [side(pair, pair.against(step), line, pair.old), side(pair, pair.module(step), line, pair.fresh)];
    const [old, fresh] = sides;
    dom.fill(element,
      dom.make("h4.c-name", {}, `${old && fresh && old.row.op !== fresh.row.op ? `${old.row.op} → ` : ""}${(fresh || old).row.op}`),
      dom.make("p.muted", {}, old && fresh ? pair.changes(old.row, fresh.row).join(", ") || "the same in both" : old ? "only before" : "only now"),
      dom.make("div.scroll", { tabindex: 0, role: "region", "aria-label": "The op before and now" }, table(pair, old, fresh)),
      dom.make("h5", {}, "Through the passes"),
      passes(pair, step, line));
  }

  function side(pair, module, line, compile) {
    const place = module ? pair.place(module, line) : -1;
    return place < 0 ? null : { module, place, row: pair.row(module.rows[place]), note: compile.notes[line] || {} };
  }

  function table(pair, old, fresh) {
    const lines = [
      ["place", (one) => `%${one.place}`],
      ["makes", (one) => words.type(one.row.makes)],
      ["stands for", (one) => one.row.standsFor],
      ["reads", (one) => diff.reads(one.row).map((read) => named(pair, one.module, read)).join(", ")],
      ["attributes", (one) => one.row.attributes.map(([name, value]) => `${name}=${value}`).join(" ")],
      ["in the source", (one) => one.row.span],
      ["alone in the failing pass", (one) => one.note.fate],
      ["error alone", (one) => decibel(one.note.alone)],
      ["with all before it", (one) => decibel(one.note.propagated)],
    ].map(([name, said]) => [name, old ? said(old) || "" : "", fresh ? said(fresh) || "" : ""]);
    return dom.make("table.c-beside", {},
      dom.make("thead", {}, dom.make("tr", {}, dom.make("td"), dom.make("th", { scope: "col" }, "before"), dom.make("th", { scope: "col" }, "now"))),
      dom.make("tbody", {}, lines.filter(([, a, b]) => a || b).map(([name, a, b]) => row(name, a, b, old && fresh && !(UNCOMPARED.includes(name) && !(a && b)) && name !== "place"))));
  }

  function row(name, a, b, compared) {
    const differs = compared && a !== b;
    const own = (tag) => (differs ? words.difference(a, b).filter((piece) => piece.tagName !== tag) : [tag === "INS" ? a : b]);
    return dom.make(differs ? "tr.differs" : "tr", {}, dom.make("th", { scope: "row" }, name, differs ? " ≠" : ""), dom.make("td", {}, own("INS")), dom.make("td", {}, own("DEL")));
  }

  function named(pair, module, read) {
    if (read.line === undefined) return words.type(read.text);
    const place = pair.place(module, read.line);
    return place < 0 ? "?" : `%${place} ${pair.row(module.rows[place]).op}`;
  }

  function decibel(value) {
    return typeof value === "number" ? `${value.toFixed(1)} dB` : "";
  }

  // Where it differs in another way than at the pass before.
  function passes(pair, step, line) {
    const found = [];
    let last = null;
    for (const one of pair.steps) {
      if (one.lowered) continue;
      const sides = [side(pair, pair.against(one.index), line, pair.old), side(pair, pair.module(one.index), line, pair.fresh)];
      const key = sides.map((two) => two && two.module.rows[two.place]).join();
      if (key !== last && (sides[0] || sides[1])) found.push([one, said(pair, ...sides)]);
      last = key;
    }
    const shown = found.slice(0, MOST);
    return [
      dom.make("ol.c-life", {}, shown.map(([one, text]) => dom.make("li", { "aria-current": one.index === step ? "step" : null },
        dom.make("a", { href: place.href(pair, one.index, pair.op(one.index, line)) }, strip.title(one)), ` ${text}`))),
      found.length > MOST ? dom.make("p.muted", {}, `and ${found.length - MOST} more`) : null,
    ];
  }

  function said(pair, old, fresh) {
    if (!old || !fresh) return old ? "− only before" : "+ only now";
    const changes = pair.changes(old.row, fresh.row);
    return changes.length ? `≠ ${changes.join(", ")}` : "the same in both";
  }

  return { attach: () => {}, render };
})();
