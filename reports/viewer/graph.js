// Graphs that are drawn already, made to answer: zoom (buttons, + − 0, Ctrl and the wheel), pan (drag,
// arrows), fit; what an op reads and who reads it lights up; a key of the legend dims all others.
"use strict";
for (const box of document.querySelectorAll(".picture")) {
  const svg = box.querySelector("svg.graph");
  if (!svg) continue;
  const whole = svg.viewBox.baseVal.width * (4 / 3); // points, as Graphviz counts
  const nodes = new Map([...svg.querySelectorAll(".node[data-node]")].map((node) => [node.dataset.node, node]));
  const edges = [...svg.querySelectorAll(".edge")];
  let size = null;

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
    fit: ["Fit: all of it", () => zoom(Math.min(box.clientWidth - 32, (box.clientHeight - 32) * (svg.viewBox.baseVal.width / svg.viewBox.baseVal.height)))],
    "1:1": ["As large as its text is drawn", () => zoom(whole)],
  };
  const bar = dom.make("div.zoom", { role: "group", "aria-label": "Size of the graph" });
  for (const [text, [said, act]] of Object.entries(acts)) {
    const button = dom.make("button", { type: "button", "aria-label": said, title: said }, text);
    button.addEventListener("click", act);
    bar.append(button);
  }
  box.before(bar);

  box.addEventListener("keydown", (event) => {
    const act = { "+": "+", "=": "+", "-": "−", 0: "fit" }[event.key];
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
  box.addEventListener("pointerdown", (event) => {
    if (event.button || !box.classList.contains("zoomed")) return;
    const from = [event.clientX + box.scrollLeft, event.clientY + box.scrollTop];
    const drag = (moved) => box.scrollTo(from[0] - moved.clientX, from[1] - moved.clientY);
    const end = () => removeEventListener("pointermove", drag);
    addEventListener("pointermove", drag);
    addEventListener("pointerup", end, { once: true });
  });

  function light(chosen) {
    svg.classList.toggle("dim", Boolean(chosen));
    for (const one of svg.querySelectorAll(".lit")) one.classList.remove("lit");
    for (const one of chosen || []) one.classList.add("lit");
  }

  function around(node) {
    const name = node.dataset.node;
    const touching = edges.filter((edge) => edge.dataset.from === name || edge.dataset.to === name);
    return [node, ...touching, ...touching.map((edge) => nodes.get(edge.dataset.from === name ? edge.dataset.to : edge.dataset.from)).filter(Boolean)];
  }

  let kept = null;
  svg.addEventListener("pointerover", (event) => {
    const node = event.target.closest(".node[data-node]");
    light(node ? around(node) : kept);
  });
  svg.addEventListener("pointerleave", () => light(kept));

  const legend = box.parentElement.querySelector(".legend[aria-label=Legend]");
  for (const key of legend ? legend.children : []) {
    const look = [...key.classList].map((name) => name.replace(/^f-/, "d-"));
    key.setAttribute("role", "button");
    key.setAttribute("tabindex", "0");
    key.setAttribute("aria-pressed", "false");
    const press = () => {
      const on = key.getAttribute("aria-pressed") !== "true";
      for (const other of legend.children) other.setAttribute("aria-pressed", String(on && other === key));
      kept = on ? [...nodes.values()].filter((node) => look.some((name) => node.classList.contains(name))) : null;
      light(kept);
    };
    key.addEventListener("click", press);
    key.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      press();
      event.preventDefault();
    });
  }
}
