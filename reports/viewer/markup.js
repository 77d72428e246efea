// What the card and the search are made of.
//
//   markup.make("p.muted", "text", child, null)      an element without attributes
//   markup.link(compile, step, op, ...children)      a link to there
//   markup.join(", ", [child, child])                what goes between them, as children
//   markup.named(compile, step, module, place)       a link to an op, by its name
//   markup.lines(reads), markup.constants(row)       what of that are ops, and tensors
//   markup.standing("as int4 · [-7, 7] · 0.0625")    that in words
//   markup.mark(fate)                                how the failing pass takes an op, as a symbol
"use strict";
const markup = (() => {
  const MANY = 8;

  function make(what, ...children) {
    return dom.make(what, {}, ...children);
  }

  function link(compile, step, op, ...children) {
    const anchor = make("a", ...children);
    anchor.setAttribute("href", place.href(compile, step, op));
    return anchor;
  }

  function join(between, parts) {
    return parts.flatMap((part, index) => (index ? [between, part] : [part]));
  }

  function named(compile, step, module, at) {
    return link(compile, step, at, make("code", compile.row(module.rows[at]).op), ` %${at}`);
  }

  function lines(reads) {
    const found = reads.map((read) => (typeof read === "number" ? read : Number((/^%(\d+)\.\d+$/.exec(read) || [])[1] ?? -1)));
    return [...new Set(found.filter((line) => line >= 0))];
  }

  function constant(read) {
    return typeof read === "string" ? /^(\w+?)(\d*)\[([\d,]*)\] ([0-9a-f]{8}|\?)$/.exec(read) : null;
  }

  function constants(row) {
    return row.reads.filter((read) => constant(read));
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

  function mark(fate) {
    return { accepted: "✓", rejected: "✗", "cannot be judged alone": "?" }[fate] || "–";
  }

  return { make, link, join, named, lines, constant, constants, standing, mark, MANY };
})();
