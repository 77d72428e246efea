// A graph of two modules in one layout (figures/changes.py): shown is one, the other, or both. What
// stands in one of them alone is a ghost while the other is shown; what both say differently says what
// that one says.
"use strict";
const graphSides = (() => {
  let count = 0;

  function attach({ box, svg, nodes, bar }) {
    if (!box.dataset.was) return;
    const texts = [...nodes.values()].filter((node) => node.dataset.was).map((node) => {
      const lines = [...node.querySelectorAll("text")];
      const title = node.querySelector("title");
      return { lines, title, tip: title && title.textContent, now: lines.map((line) => line.textContent), was: node.dataset.was.split("\n") };
    });
    const group = dom.make("span.choice", { role: "radiogroup", "aria-label": "Which module is shown" });
    count += 1;
    for (const [side, said] of [["was", box.dataset.was], ["now", box.dataset.now], ["", "both"]]) {
      const radio = dom.make("input", { type: "radio", name: `side-${count}`, value: side, checked: side === "" });
      radio.addEventListener("change", () => choose(side));
      group.append(dom.make("label", {}, radio, said));
    }
    bar.append(group);

    function choose(side) {
      svg.classList.toggle("only-was", side === "was");
      svg.classList.toggle("only-now", side === "now");
      for (const { lines, title, tip, now, was } of texts) {
        const shown = side === "was" ? was : now;
        if (title) title.textContent = side === "was" ? was.join(" ") : tip;
        lines.forEach((line, i) => (line.textContent = shown[i] || ""));
        // More lines than were drawn: the last has the rest.
        if (shown.length > lines.length && lines.length) lines[lines.length - 1].textContent = shown.slice(lines.length - 1).join(" ");
      }
      svg.dispatchEvent(new Event("side"));
    }
  }

  return { attach };
})();
