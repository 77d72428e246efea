// A table whose heads put its lines in order: by data-sort of the cell below, once up, once down, and
// then as it was. Where lines are marked as changed, a box leaves only those. Without this the table
// is in the order in which it was written.
"use strict";
(() => {
  const compare = new Intl.Collator(undefined, { numeric: true }).compare;
  const number = (text) => (text.trim() === "" ? NaN : Number(text));

  function order(one, other) {
    const [a, b] = [number(one), number(other)];
    return Number.isNaN(a) || Number.isNaN(b) ? compare(one, other) : a - b;
  }

  function sort(table, lines, head, direction) {
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    if (direction) head.setAttribute("aria-sort", direction);
    const value = (line) => line.cells[head.cellIndex].dataset.sort || "";
    const sign = direction === "descending" ? -1 : 1;
    const sorted = direction ? [...lines].sort((a, b) => sign * order(value(a), value(b))) : lines;
    table.tBodies[0].append(...sorted);
  }

  function offerSorting(table) {
    const lines = [...table.tBodies[0].rows];
    const next = { ascending: "descending", descending: "" };
    for (const head of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      while (head.firstChild && head.firstChild.nodeName !== "SMALL") button.append(head.firstChild);
      head.prepend(button);
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        sort(table, lines, head, now in next ? next[now] : "ascending");
      });
    }
  }

  function offerChanged(table) {
    const lines = [...table.tBodies[0].rows];
    if (!lines.some((line) => "changed" in line.dataset)) return;
    const label = document.createElement("label");
    label.className = "only-changed";
    const box = Object.assign(document.createElement("input"), { type: "checkbox" });
    label.append(box, "only what changed");
    box.addEventListener("change", () => {
      for (const line of lines) line.hidden = box.checked && !("changed" in line.dataset);
    });
    table.parentElement.before(label);
  }

  for (const table of document.querySelectorAll("table.sorted")) {
    offerSorting(table);
    offerChanged(table);
  }
})();
