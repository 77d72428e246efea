// The text of the module before and after a step, side by side, where it was saved.
//
//   texts.render(element, compile, step)    hides the element where there is no text
//
// Lines are aligned without their %numbers, which shift when one is added above.
"use strict";
const texts = (() => {
  const MOST = 4e6, NEAR = 3, ROWS = 3000;
  let wanted = "";

  async function render(element, compile, step) {
    const asked = `${compile.key} ${step}`;
    wanted = asked;
    const data = await store.texts().catch(() => null);
    if (wanted !== asked) return;
    const [before, after] = data ? around(data.compiles, compile, step) : [null, null];
    element.hidden = !after;
    if (!after) return;
    const open = element.querySelector("details") && element.querySelector("details").open;
    const body = dom.make("div");
    const details = dom.make("details", { open }, dom.make("summary", {}, before ? "The module as TVM prints it, before and after" : "The module as TVM prints it"), body);
    const fill = () => dom.fill(body, links(before, after), sides(data.lines, before, after));
    if (open) fill();
    details.addEventListener("toggle", () => details.open && !body.firstChild && fill());
    dom.fill(element, details);
  }

  // Before a step that changed nothing, or failed, there is but one module.
  function around(texts, compile, step) {
    if (compile.opening) return beside(texts, compile, step);
    const module = compile.module(step), saved = texts[compile.key] || [];
    const now = saved.filter(([at]) => module && at >= module.step && at <= step).pop();
    const was = compile.before(step);
    const old = was && module.step === step && !compile.steps[step].failed ? saved.find(([at]) => at === was.step) : null;
    return [old || null, now || null];
  }

  function beside(texts, pair, step) {
    const { was, is } = pair.steps[step];
    const [old, now] = [[pair.old, pair.against(step), was], [pair.fresh, pair.module(step), is]].map(
      ([compile, module, last]) => (texts[compile.key] || []).filter(([at]) => module && at >= module.step && at <= last).pop());
    return now ? [old || null, now] : [null, old || null];
  }

  function links(before, after) {
    const link = ([, file]) => dom.make("a", { href: file.split("/").map(encodeURIComponent).join("/") }, file);
    return dom.make("p.v-legend", {}, before ? [link(before), " → "] : null, link(after), after[2].length ? null : ": too large to be in this page");
  }

  function sides(lines, before, after) {
    const text = (one) => one[2].map((number) => lines[number]);
    if (!after[2].length) return null;
    if (!before || !before[2].length) return dom.make("pre.ir", { tabindex: 0 }, text(after).join("\n"));
    const table = dom.make("table.v-sides", {}, dom.make("tbody", {}, rows(aligned(text(before), text(after)))));
    return dom.make("div.scroll.v-texts", { tabindex: 0, role: "region", "aria-label": "The module before and after" }, table);
  }

  function rows(pairs) {
    const near = pairs.map(() => false);
    pairs.forEach(([old, fresh], i) => {
      if (old === null || fresh === null || bare(old) !== bare(fresh)) near.fill(true, Math.max(0, i - NEAR), i + NEAR + 1);
    });
    const shown = [];
    for (let i = 0; i < pairs.length && shown.length < ROWS; ) {
      let end = i;
      while (end < pairs.length && !near[end]) end += 1;
      if (end - i > 1) shown.push(dom.make("tr", {}, dom.make("td.muted", { colspan: 2 }, `${words.many(end - i, "line")} the same`))), (i = end);
      else shown.push(row(...pairs[i])), (i += 1);
    }
    return shown;
  }

  function row(old, fresh) {
    if (old !== null && fresh !== null && bare(old) !== bare(fresh)) {
      const both = words.difference(indented(old), indented(fresh));
      const without = (tag) => both.map((piece, i) => {
        const dropped = piece.tagName === tag || (piece === " " && both[i - 1].tagName === tag);
        return dropped ? null : piece.cloneNode ? piece.cloneNode(true) : piece;
      });
      return dom.make("tr.changed", {}, dom.make("td", {}, without("INS")), dom.make("td", {}, without("DEL")));
    }
    const kind = old === null ? "tr.added" : fresh === null ? "tr.removed" : "tr";
    const side = (text, mark) => dom.make("td", {}, text === null ? "" : mark + indented(text));
    return dom.make(kind, {}, side(old, fresh === null ? "− " : ""), side(fresh, old === null ? "+ " : ""));
  }

  // A difference in words drops leading blanks.
  function indented(text) {
    return text.replace(/^ +/, (blanks) => "\u00a0".repeat(blanks.length));
  }

  function bare(line) {
    return line.replace(/%\d+/g, "%");
  }

  // Pairs of lines, null where there is none: the longest common ones together, the rest in turn.
  function aligned(old, fresh) {
    const [mine, theirs] = [old.map(bare), fresh.map(bare)];
    let head = 0, tail = 0;
    while (head < mine.length && head < theirs.length && mine[head] === theirs[head]) head += 1;
    while (tail < mine.length - head && tail < theirs.length - head && mine[mine.length - 1 - tail] === theirs[theirs.length - 1 - tail]) tail += 1;
    const [rows, columns] = [mine.length - head - tail, theirs.length - head - tail];
    const pairs = old.slice(0, head).map((line, i) => [line, fresh[i]]);
    const kept = rows * columns <= MOST ? common(mine.slice(head, head + rows), theirs.slice(head, head + columns)) : [];
    let [i, j] = [0, 0];
    for (const [a, b] of [...kept, [rows, columns]]) {
      for (; i < a || j < b; i += 1, j += 1)
        pairs.push([i < a ? old[head + i] : null, j < b ? fresh[head + j] : null]);
      if (a < rows) pairs.push([old[head + a], fresh[head + b]]);
      [i, j] = [a + 1, b + 1];
    }
    for (let at = tail; at > 0; at -= 1) pairs.push([old[old.length - at], fresh[fresh.length - at]]);
    return pairs;
  }

  function common(old, fresh) {
    const wide = fresh.length + 1, most = new Uint16Array((old.length + 1) * wide);
    for (let i = old.length - 1; i >= 0; i -= 1)
      for (let j = fresh.length - 1; j >= 0; j -= 1)
        most[i * wide + j] = old[i] === fresh[j] ? most[(i + 1) * wide + j + 1] + 1 : Math.max(most[(i + 1) * wide + j], most[i * wide + j + 1]);
    const kept = [];
    for (let i = 0, j = 0; i < old.length && j < fresh.length; ) {
      if (old[i] === fresh[j]) kept.push([i, j]), (i += 1), (j += 1);
      else if (most[(i + 1) * wide + j] >= most[i * wide + j + 1]) i += 1;
      else j += 1;
    }
    return kept;
  }

  return { render };
})();
