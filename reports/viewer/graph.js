// Graphs that are drawn already, made to answer: zoom (buttons, + − 0, Ctrl and the wheel), pan (drag,
// arrows), fit (f); what an op reads and who reads it lights up. What else a graph can do is in parts
// of its own, which are given it as {box, svg, nodes, edges, bar, light, keep, around, show}.
"use strict";
for (const box of document.querySelectorAll(".picture")) {
  const svg = box.querySelector("svg.graph");
  if (!svg) continue;
  const { width: across, height: down } = svg.viewBox.baseVal;
  const whole = across * (4 / 3); // points, as Graphviz counts
  const nodes = new Map([...svg.querySelectorAll(".node[data-node]")].map((node) => [node.dataset.node, node]));
  const edges = [...svg.querySelectorAll(".edge")];
  let size = null, kept = null;

  function zoom(wanted, x = box.clientWidth / 2, y = box.clientHeight / 2) {
    const before = svg.getBoundingClientRect().width;
    size = Math.min(Math.max(wanted, 80), whole * 4);
    box.classList.add("zoomed");
    svg.style.width = `${size}px`;
    const by = svg.getBoundingClientRect().width / before;
    box.scrollLeft = (box.scrollLeft + x) * by - x;
    box.scrollTop = (box.scrollTop + y) * by - y;
  }

  const width = () => size || svg.getBoundingClientRect().width;
  const acts = {
    "+": ["Larger", () => zoom(width() * 1.3)],
    "−": ["Smaller", () => zoom(width() / 1.3)],
    fit: ["Fit: all of it", () => zoom(Math.min(box.clientWidth - 32, (box.clientHeight - 32) * (across / down)))],
    "1:1": ["As large as its text is drawn", () => zoom(whole)],
  };
  const sizes = dom.make("span.zoom", { role: "group", "aria-label": "Size of the graph" });
  for (const [text, [said, act]] of Object.entries(acts)) {
    const button = dom.make("button", { type: "button", "aria-label": said, title: said }, text);
    button.addEventListener("click", act);
    sizes.append(button);
  }
  const bar = dom.make("div.tools", { title: "Keys: + − 0 f for the size; Tab to an op, from there arrows to its neighbours, Enter into the steps" }, sizes);
  box.before(bar);

  box.addEventListener("keydown", (event) => {
    const act = { "+": "+", "=": "+", "-": "−", 0: "fit", f: "fit" }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    acts[act][1]();
    event.preventDefault();
  });
  box.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    const at = box.getBoundingClientRect();
    zoom(width() * Math.exp(-event.deltaY / 300), event.clientX - at.left, event.clientY - at.top);
    event.preventDefault();
  }, { passive: false });

  // A finger pans by itself, and what was dragged was not clicked.
  box.addEventListener("pointerdown", (event) => {
    if (event.button || event.pointerType === "touch") return;
    const from = [event.clientX + box.scrollLeft, event.clientY + box.scrollTop];
    box.dataset.dragged = "";
    const drag = (moved) => {
      box.scrollTo(from[0] - moved.clientX, from[1] - moved.clientY);
      if (Math.abs(moved.clientX - event.clientX) + Math.abs(moved.clientY - event.clientY) > 4) box.dataset.dragged = "yes";
    };
    const end = () => removeEventListener("pointermove", drag);
    addEventListener("pointermove", drag);
    addEventListener("pointerup", end, { once: true });
    addEventListener("pointercancel", end, { once: true });
  });
  svg.addEventListener("dragstart", (event) => event.preventDefault());

  function light(chosen) {
    svg.classList.toggle("dim", Boolean(chosen));
    for (const one of svg.querySelectorAll(".lit")) one.classList.remove("lit");
    for (const one of chosen || []) one.classList.add("lit");
  }

  // What is lit while nothing is pointed at; null: nothing is dimmed.
  function keep(chosen) {
    kept = chosen;
    light(kept);
  }

  function around(node) {
    const name = node.dataset.node;
    const touching = edges.filter((edge) => edge.dataset.from === name || edge.dataset.to === name);
    return [node, ...touching, ...touching.map((edge) => nodes.get(edge.dataset.from === name ? edge.dataset.to : edge.dataset.from)).filter(Boolean)];
  }

  // Into the middle of the box, as far as that can be scrolled.
  function show(node) {
    const at = node.getBoundingClientRect(), frame = box.getBoundingClientRect();
    if (at.top >= frame.top && at.bottom <= frame.bottom && at.left >= frame.left && at.right <= frame.right) return;
    box.scrollTop += (at.top + at.bottom - frame.top - frame.bottom) / 2;
    box.scrollLeft += (at.left + at.right - frame.left - frame.right) / 2;
  }

  for (const [begins, ends] of [["pointerover", "pointerleave"], ["focusin", "focusout"]]) {
    svg.addEventListener(begins, (event) => {
      const node = event.target.closest(".node[data-node]");
      light(node ? around(node) : kept);
    });
    svg.addEventListener(ends, () => light(kept));
  }

  const picture = { box, svg, nodes, edges, bar, light, keep, around, show };
  graphSides.attach(picture);
  graphNodes.attach(picture);
  graphColours.attach(picture);
}
