// The nodes of a graph (viewer/graph.js): found by words, reached by keys, and links into the viewer.
//
// One of them is on the way of Tab. From there ↓ goes to who reads it, ↑ to what it reads, ← → to the
// one beside it; Enter, or a click, to where the viewer shows the op.
"use strict";
const graphNodes = (() => {
  function attach({ box, svg, nodes, edges, bar, keep, show }) {
    const all = [...nodes.values()];
    if (!all.length) return;
    svg.setAttribute("role", "group"); // no image any more: what is in it can be reached
    for (const node of all) node.setAttribute("tabindex", "-1");
    name();
    svg.addEventListener("side", name);
    let entry = svg.querySelector(".node.rejected") || all[0];
    entry.setAttribute("tabindex", "0");

    svg.addEventListener("focusin", (event) => {
      const node = event.target.closest(".node[data-node]");
      if (!node) return;
      entry.setAttribute("tabindex", "-1");
      entry = node;
      entry.setAttribute("tabindex", "0");
    });

    svg.addEventListener("keydown", (event) => {
      const node = event.target.closest(".node[data-node]");
      if (!node || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Enter") return open(node);
      const next = { ArrowDown: () => linked(node, "from", "to"), ArrowUp: () => linked(node, "to", "from"), ArrowLeft: () => beside(node, -1), ArrowRight: () => beside(node, 1) }[event.key];
      if (!next) return;
      const to = next();
      if (to) {
        to.focus({ preventScroll: true });
        show(to);
      }
      event.preventDefault();
    });

    svg.addEventListener("click", (event) => {
      const node = event.target.closest(".node[data-node]");
      if (node && !box.dataset.dragged) open(node);
    });

    function name() {
      for (const node of all) {
        node.setAttribute("role", address(node) ? "link" : "img");
        node.setAttribute("aria-label", label(node));
      }
    }

    function address(node) {
      const was = svg.classList.contains("only-was");
      const step = was ? box.dataset.atWas : box.dataset.at;
      const [op] = ((was ? node.dataset.opsWas : node.dataset.ops) || "").split(" ").slice(-1);
      return step && op ? `${step}/${op}` : null;
    }

    function open(node) {
      const to = address(node);
      if (to) location.hash = to;
    }

    function label(node) {
      const reads = edges.filter((edge) => edge.dataset.to === node.dataset.node).length;
      const read = edges.filter((edge) => edge.dataset.from === node.dataset.node).length;
      const title = node.querySelector("title");
      const texts = [...node.querySelectorAll("text")].map((one) => one.textContent);
      return `${(title && title.textContent) || texts.join(" ")}; reads ${reads}, read by ${read}`;
    }

    function visible(node) {
      return getComputedStyle(node).visibility !== "hidden";
    }

    function linked(node, here, there) {
      const edge = edges.find((one) => one.dataset[here] === node.dataset.node && nodes.has(one.dataset[there]) && visible(one));
      return edge && nodes.get(edge.dataset[there]);
    }

    // The nearest to that side, of those at about its height.
    function beside(node, way) {
      const at = node.getBoundingClientRect();
      let best = null, least = Infinity;
      for (const other of all) {
        const one = other.getBoundingClientRect();
        const far = way * (one.left + one.right - at.left - at.right);
        if (other !== node && far > 0 && far < least && one.top < at.bottom && one.bottom > at.top && visible(other)) [best, least] = [other, far];
      }
      return best;
    }

    find(all);

    function find(nodes) {
      const input = dom.make("input", { type: "search", "aria-label": "Search in this graph", placeholder: "search in the graph", autocomplete: "off", spellcheck: "false" });
      const count = dom.make("span.muted", { role: "status" });
      bar.append(input, count);
      const said = nodes.map((node) => node.textContent.toLowerCase());
      let found = [], at = 0;
      input.addEventListener("input", () => {
        const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
        found = words.length ? nodes.filter((_, i) => words.every((word) => said[i].includes(word))) : [];
        at = 0;
        keep(words.length ? found : null);
        if (found.length) show(found[0]);
        tell(words.length);
      });
      input.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || !found.length) return;
        at = (at + (event.shiftKey ? found.length - 1 : 1)) % found.length;
        show(found[at]);
        tell(true);
        event.preventDefault();
      });

      function tell(asked) {
        count.textContent = asked ? (found.length ? `${at + 1} of ${found.length}` : "none") : "";
        for (const node of nodes) node.classList.toggle("found", node === found[at]);
      }
    }
  }

  return { attach };
})();
