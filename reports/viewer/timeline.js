// Rows of a dtype timeline by what stands in them (words, all of which a row must have), by kind of
// op, by dtype, and those alone that were rejected. In it arrows lead from cell to cell.
"use strict";
for (const form of document.querySelectorAll(".filter:has(.filter-rows)")) {
  const box = form.closest("section").querySelector(".timeline");
  const rows = [...box.querySelectorAll("tbody tr")].map((row) => {
    const text = row.textContent.toLowerCase();
    const rejected = Boolean(row.querySelector(".rejected"));
    const state = (row.classList.contains("same") ? " unchanged" : " changed") + (rejected ? " refused rejected" : "");
    const dtypes = new Set(text.match(/\b(?:bfloat|float|u?int|bool)\d*\b/g));
    return { row, rejected, dtypes, kind: row.dataset.kind, said: text + state };
  });
  const [words, kind, dtype, rejected, count] =
    [".filter-rows", "[name=kind]", "[name=dtype]", "[name=rejected]", "[role=status]"].map((one) => form.querySelector(one));
  offer(kind, rows.map((one) => one.kind));
  offer(dtype, rows.flatMap((one) => [...one.dtypes]).sort());
  rejected.parentElement.hidden = !rows.some((one) => one.rejected);
  form.hidden = false;
  form.addEventListener("input", filter);
  filter(); // what a browser kept of before

  function offer(select, values) {
    for (const value of new Set(values)) select.append(dom.make("option", { value }, value));
  }

  function filter() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of rows) {
      one.row.hidden = !(
        wanted.every((word) => one.said.includes(word)) && (!kind.value || kind.value === one.kind) &&
        (!dtype.value || one.dtypes.has(dtype.value)) && (!rejected.checked || one.rejected)
      );
      shown += one.row.hidden ? 0 : 1;
    }
    const all = !wanted.length && !kind.value && !dtype.value && !rejected.checked;
    count.textContent = all ? "" : `${shown} of ${rows.length} ops`;
  }

  // Of hundreds of links one is on the way of Tab; from there arrows lead on.
  [...box.querySelectorAll("tbody a")].slice(1).forEach((link) => link.setAttribute("tabindex", "-1"));
  box.addEventListener("focusin", (event) => {
    if (event.target.tagName !== "A" || !event.target.closest("tbody")) return;
    for (const link of box.querySelectorAll("tbody a[tabindex='0'], tbody a:not([tabindex])")) link.setAttribute("tabindex", "-1");
    event.target.setAttribute("tabindex", "0");
  });
  box.addEventListener("keydown", (event) => {
    const [right, down] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key] || [];
    const cell = event.target.closest("tbody td");
    if (right === undefined || !cell || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const next = right ? beside(cell, right) : below(cell, down);
    if (next) next.focus();
    event.preventDefault();
  });

  function beside(cell, by) {
    for (let at = cell; at; at = by > 0 ? at.nextElementSibling : at.previousElementSibling)
      if (at !== cell && at.querySelector("a")) return at.querySelector("a");
    return null;
  }

  function below(cell, by) {
    for (let row = cell.parentElement; row; row = by > 0 ? row.nextElementSibling : row.previousElementSibling) {
      const link = row !== cell.parentElement && row.offsetParent && row.cells[cell.cellIndex].querySelector("a");
      if (link) return link;
    }
    return null;
  }
}
