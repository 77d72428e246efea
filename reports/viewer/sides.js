// A row of the listing in two columns: the op as it was in the compile before, and as it is now, each
// with what is its own set off. Drawn as oprow draws, the left one with the two modules exchanged.
//
//   sides.make(compile, view, row, look), sides.fold(compile, view, fold, look)     as of oprow
"use strict";
const sides = (() => {
  const SAID = { same: "in both: ", added: "only now: ", removed: "only before: ", changed: "differs: ", rewired: "reads another: " };
  const OTHER = { added: "removed", removed: "added" };
  const known = new WeakMap();

  function make(compile, view, row, look) {
    const left = exchanged(compile, view), old = left.of.get(row);
    const before = compile.refusedBefore, failed = before && before.step === look.step && before.op === row.old;
    return [
      dom.make("span.v-mark", { "aria-hidden": "true" }, look.refused || failed ? "✗" : { same: " ", added: "+", removed: "−", changed: "≠", rewired: "↷" }[row.kind]),
      dom.make("span.visually-hidden", {}, SAID[row.kind]),
      half(compile, left, old, { height: look.height, wide: left.wide, refused: failed }),
      half(compile, view, row, look),
    ];
  }

  function half(compile, view, row, look) {
    const [, , at, rail, text, made] = oprow.make(compile, view, row, look);
    const here = row.place !== null;
    const side = dom.make("div.v-side", {}, here ? at : dom.make("span.v-at"), rail, ...(here ? [own(text), own(made)] : []));
    side.style.setProperty("--v-rails", `${look.wide}px`);
    return side;
  }

  // What stood there instead is in the other column.
  function own(element) {
    const standing = element.querySelector(".v-standing");
    for (const gone of element.querySelectorAll("del")) gone.remove();
    if (standing && !/\w/.test(standing.textContent)) standing.remove();
    for (const piece of [...element.childNodes]) if (piece.nodeType === Node.TEXT_NODE && piece.data === "→") piece.remove();
    return element;
  }

  // The view as it is from the compile before.
  function exchanged(compile, view) {
    if (known.has(view)) return known.get(view);
    const of = new Map();
    let behind = -1, last = -1, ordered = true;
    const rows = view.rows.map((row) => {
      const other = { kind: OTHER[row.kind] || row.kind, place: row.old, old: row.place, line: row.line, behind };
      if (row.old !== null) [ordered, last, behind] = [ordered && row.old > last, row.old, row.line];
      of.set(row, other);
      return other;
    });
    // Where ops are in another order now, lanes would lead to the wrong ones.
    const wide = ordered ? rails.width(rails.of(compile, view.before)) : 0;
    const left = { now: view.before, before: view.now, rows, of, wide };
    known.set(view, left);
    return left;
  }

  function fold(compile, view, ends, look) {
    const left = exchanged(compile, view);
    const folded = (side, wide) => {
      const [, at, rail, text] = oprow.fold(compile, side, ends, { ...look, wide });
      const element = dom.make("div.v-side", {}, at, rail, text);
      element.style.setProperty("--v-rails", `${wide}px`);
      return element;
    };
    return [dom.make("span.v-mark", { "aria-hidden": "true" }, "▸"), folded(left, left.wide), folded(view, look.wide)];
  }

  return { make, fold };
})();
