// How types, times and differences are written.
//
//   words.type("T.Tuple(I.TensorType([4], \"int8\"), …)")   "(int8[4], …)"
//   words.chip(type), words.standing(text)                  elements, coloured and marked by dtype
//   words.difference(old, new)                              elements: old words struck, new ones bold
//   words.dtype(type), words.shape(type), words.time(ms), words.many(3, "op")
"use strict";
const words = (() => {
  const FAMILIES = [[/^b?float/, "float"], [/^bool/, "bool"], [/^u?int8\b/, "int8"], [/^u?int[1-7]\b/, "low"], [/^u?int\d/, "wide"]];

  function family(dtype) {
    const found = FAMILIES.find(([pattern]) => pattern.test(dtype));
    return found ? found[1] : "other";
  }

  // The marks are those of the page's legend.
  let marks;
  function mark(name) {
    marks ||= new Map([...document.querySelectorAll("#viewer [data-family]")].map((one) => [one.dataset.family, one.dataset.mark]));
    return marks.get(name) || "";
  }

  function type(text) {
    return text
      .replace(/(?:\w+\.)?TensorType\(\[([^\]]*)\], "(\w+)"\)/g, (_, shape, dtype) => `${dtype}[${shape.replaceAll(" ", "")}]`)
      .replace(/(?:\w+\.)?Tuple\(/g, "(");
  }

  function dtype(text) {
    const found = /\b(?:bfloat|float|u?int)\d+|\bbool\b/.exec(text);
    return found ? found[0] : "?";
  }

  function shape(text) {
    const found = /\[[^\]]*\]/.exec(type(text));
    return found ? found[0] : "";
  }

  function chip(text) {
    const kind = family(dtype(text));
    return dom.make(`span.v-chip.f-${kind}`, { title: type(text) }, dom.make("span", { "aria-hidden": "true" }, mark(kind)), " " + type(text));
  }

  // What an op stands for: "as int4 · [-7, 7] · 0.0625".
  function standing(text, old) {
    const kind = family(dtype(text || old));
    const said = old === undefined ? [text] : difference(old, text);
    return dom.make(`span.v-chip.v-standing.f-${kind}`, { title: text }, dom.make("span", { "aria-hidden": "true" }, mark(kind)), " ", ...said);
  }

  function difference(old, fresh) {
    const pieces = [];
    for (const [kind, text] of compared(old.split(" ").filter(Boolean), fresh.split(" ").filter(Boolean)))
      pieces.push(kind === "same" ? text : dom.make(kind, {}, text), " ");
    return pieces.slice(0, -1);
  }

  // Words of two texts in order, as [same | del | ins, words]: the longest common ones are the same.
  function compared(old, fresh) {
    const most = old.map(() => new Array(fresh.length + 1).fill(0)).concat([new Array(fresh.length + 1).fill(0)]);
    for (let i = old.length - 1; i >= 0; i -= 1)
      for (let j = fresh.length - 1; j >= 0; j -= 1)
        most[i][j] = old[i] === fresh[j] ? most[i + 1][j + 1] + 1 : Math.max(most[i + 1][j], most[i][j + 1]);
    const found = [];
    const add = (kind, word) => {
      const last = found[found.length - 1];
      if (last && last[0] === kind) last[1] += " " + word;
      else found.push([kind, word]);
    };
    let i = 0, j = 0;
    while (i < old.length || j < fresh.length) {
      if (i < old.length && j < fresh.length && old[i] === fresh[j]) add("same", old[i]), i += 1, j += 1;
      else if (i < old.length && (j === fresh.length || most[i + 1][j] >= most[i][j + 1])) add("del", old[i]), i += 1;
      else add("ins", fresh[j]), j += 1;
    }
    return found;
  }

  function time(ms) {
    if (ms === null) return "did not end";
    if (ms < 10) return `${ms.toFixed(2)} ms`;
    return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
  }

  function many(count, noun) {
    return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
  }

  return { family, mark, type, dtype, shape, chip, standing, difference, time, many };
})();
