// What a graph's nodes are coloured by (viewer/graph.js): what they make, how each op fared alone, its
// error, the time of its kernel. Each has a legend, whose keys dim all others, and a mark in the corner
// of a node, so that nothing is told by colour alone.
//
// Errors and times are those of the viewer (store: compile.notes): of the ops that a node stands for,
// or, where there are none, of those that they came from or became.
"use strict";
const graphColours = (() => {
  const FAMILIES = { float: ["●", "float"], int8: ["■", "8-bit integer"], wide: ["▲", "wider integer"], low: ["◆", "integer under 8 bits"], bool: ["◐", "bool"], other: ["○", "other or unknown"] };
  const MARKS = ["▁", "▃", "▅", "▆", "█"];
  const ERRORS = [[40, "40 dB and more"], [30, "30 to 40 dB"], [20, "20 to 30 dB"], [10, "10 to 20 dB"], [-Infinity, "below 10 dB"]];
  const SHARES = [[0.005, "under 0.5 % of the time"], [0.01, "0.5 to 1 %"], [0.02, "1 to 2 %"], [0.05, "2 to 5 %"], [Infinity, "5 % and more"]];
  const LOOK = /^(?:[dm]-|s-\w+$)/;
  let count = 0;

  function attach(picture) {
    const { box, svg, nodes, bar } = picture;
    const drawn = box.parentElement.querySelector(".legend[aria-label=Legend]");
    const all = [...nodes.values()];
    const before = new Map(all.map((node) => [node, looks(node).join(" ")]));
    keys(picture, drawn);
    const byFate = all.some((node) => before.get(node).includes("m-"));
    const modes = { [byFate ? "fate" : "dtype"]: null };
    if (byFate) modes.dtype = dtypes;
    let mode = Object.keys(modes)[0], group = null;
    const extra = dom.make("p.legend", { "aria-label": "Legend", hidden: true });
    (drawn || bar).after(extra);
    if (byFate) offer();
    svg.addEventListener("side", () => !byFate && choose(mode === "dtype" ? "dtype" : mode));
    measured(picture).then((known) => {
      if (known.errors.size) modes.error = () => scale(known.errors, ERRORS, (db, bound) => db >= bound, "alone");
      if (known.times.size) modes.time = () => scale(known.times, SHARES, (share, bound) => share < bound, "its kernel");
      if (Object.keys(modes).length > 1) offer();
    });

    function offer() {
      count += 1;
      const fresh = dom.make("span.choice", { role: "radiogroup", "aria-label": "Colours tell" });
      for (const name of Object.keys(modes)) {
        const radio = dom.make("input", { type: "radio", name: `colours-${count}`, value: name, checked: name === mode });
        radio.addEventListener("change", () => choose(name));
        fresh.append(dom.make("label", {}, radio, name));
      }
      if (group) group.replaceWith(fresh);
      else bar.append(fresh);
      group = fresh;
    }

    function choose(name) {
      mode = name;
      picture.keep(null);
      for (const mark of svg.querySelectorAll(".corner")) mark.remove();
      const made = modes[name] || (name === "dtype" ? dtypes : null);
      const entries = made ? made() : null;
      for (const node of all) {
        const [look, mark] = entries ? entries.of(node) : [before.get(node), null];
        node.classList.remove(...looks(node));
        node.classList.add(...look.split(" ").filter(Boolean));
        if (mark) corner(node, mark);
      }
      if (drawn) drawn.hidden = Boolean(entries);
      extra.hidden = !entries;
      dom.fill(extra, ...(entries ? entries.legend : []).map(([look, mark, text]) => dom.make("span", { class: look.replace(/^d-/, "f-") }, dom.make("span", { "aria-hidden": "true" }, mark), ` ${text}`)));
      keys(picture, extra);
    }

    function dtypes() {
      const was = svg.classList.contains("only-was");
      const family = (node) => (was && node.dataset.dtypeWas) || node.dataset.dtype || "other";
      const found = new Set(all.map(family));
      return {
        of: (node) => [`d-${family(node)}`, node.dataset.dtype ? FAMILIES[family(node)][0] : null],
        legend: Object.entries(FAMILIES).filter(([name]) => found.has(name)).map(([name, [mark, text]]) => [`d-${name}`, mark, text]),
      };
    }

    function scale(values, bounds, fits, what) {
      const bucket = (value) => bounds.findIndex(([bound]) => fits(value, bound));
      const used = new Set([...values.values()].map(bucket));
      const legend = bounds.map(([, text], i) => [`s-${i}`, MARKS[i], `${what}: ${text}`]).filter((_, i) => used.has(i));
      return {
        of: (node) => (values.has(node) ? [`s-${bucket(values.get(node))}`, MARKS[bucket(values.get(node))]] : ["s-none", null]),
        legend: [...legend, ["s-none", "·", "not measured"]],
      };
    }
  }

  const looks = (node) => [...node.classList].filter((name) => LOOK.test(name));

  // In the corner of its outline, which is read from the drawing: a closed <details> has no sizes.
  function corner(node, mark) {
    const shape = node.querySelector("polygon, ellipse");
    if (!shape) return;
    const points = (shape.getAttribute("points") || "").trim().split(/\s+/).map((pair) => pair.split(",").map(Number));
    const ellipse = ["cx", "cy", "rx", "ry"].map((name) => Number(shape.getAttribute(name)));
    const [x, y] = shape.tagName === "ellipse" ? [ellipse[0] - ellipse[2] * 0.7, ellipse[1] - ellipse[3] * 0.4] : [Math.min(...points.map((one) => one[0])) + 2, Math.min(...points.map((one) => one[1])) + 8];
    node.append(dom.svg("text", { class: "corner", x, y, "aria-hidden": "true" }, mark));
  }

  function keys({ nodes, keep }, legend) {
    for (const key of legend ? legend.children : []) {
      const side = key.classList.contains("side");
      const look = [...key.classList].map((name) => name.replace(/^f-/, "d-")).filter((name) => (side ? name !== "side" : LOOK.test(name)));
      key.setAttribute("role", "button");
      key.setAttribute("tabindex", "0");
      key.setAttribute("aria-pressed", "false");
      const press = () => {
        const on = key.getAttribute("aria-pressed") !== "true";
        for (const other of legend.children) other.setAttribute("aria-pressed", String(on && other === key));
        keep(on ? [...nodes.values()].filter((node) => look.some((name) => node.classList.contains(name))) : null);
      };
      key.addEventListener("click", press);
      key.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        press();
        event.preventDefault();
      });
    }
  }

  // By node: the worst error alone in dB, and the share of its kernel's time, of those that are known.
  async function measured({ box, nodes }) {
    const known = { errors: new Map(), times: new Map() };
    const compiles = box.dataset.at ? await store.load().catch(() => []) : [];
    const at = compiles.length ? place.at(box.dataset.at, compiles) : null;
    const module = at && at.step !== null ? at.compile.module(at.step) : null;
    if (!module) return known;
    const { compile } = at;
    const notes = (line) => compile.notes[line] || {};
    const total = Object.values(compile.notes).reduce((sum, note) => sum + (note.ms || 0), 0);
    for (const node of nodes.values()) {
      const lines = (node.dataset.ops || "").split(" ").filter(Boolean).map((op) => module.lines[Number(op)]);
      const told = (name) => {
        const own = lines.filter((line) => notes(line)[name] !== undefined && notes(line)[name] !== null);
        if (own.length) return own;
        const family = [...reach(lines, (line) => compile.parents(line)), ...reach(lines, (line) => compile.children(line))];
        return [...new Set(family)].filter((line) => notes(line)[name] !== undefined && notes(line)[name] !== null);
      };
      const errors = told("alone").map((line) => (notes(line).alone === "exact" ? Infinity : notes(line).alone));
      const times = told("ms").map((line) => notes(line).ms);
      if (errors.length) known.errors.set(node, Math.min(...errors));
      if (times.length && total) known.times.set(node, times.reduce((sum, ms) => sum + ms, 0) / total);
    }
    return known;
  }

  function reach(lines, next) {
    const seen = new Set(lines);
    for (const one of seen) for (const other of next(one)) seen.add(other);
    return seen;
  }

  return { attach };
})();
