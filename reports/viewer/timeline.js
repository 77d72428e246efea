// Rows of a dtype timeline by what stands in them: words, all of which a row must have.
"use strict";
for (const input of document.querySelectorAll("input.filter-rows")) {
  const rows = [...input.closest("section").querySelectorAll(".timeline tbody tr")];
  const said = rows.map((row) => row.textContent.toLowerCase() + (row.classList.contains("same") ? " unchanged" : " changed") + (row.querySelector(".rejected") ? " refused rejected" : ""));
  const count = input.parentElement.querySelector("[role=status]");
  input.parentElement.hidden = false;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, number) => {
      row.hidden = !words.every((word) => said[number].includes(word));
      shown += row.hidden ? 0 : 1;
    });
    count.textContent = words.length ? `${shown} of ${rows.length} ops` : "";
  });
}
