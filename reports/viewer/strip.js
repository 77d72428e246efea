// All passes as bars: how high says how long (logarithmic), hollow that nothing changed, ✗ that it
// failed. Stages stand beneath, those of lowered functions narrow. The slider is the same for
// keyboard and screen reader, so the bars are for the eye and the mouse alone.
//
//   strip.shown(compile, step, onlyChanged)                       the steps that are shown
//   strip.visible(box, element)                                   scrolls a row of things to one of them
//   strip.render(parts, compile, step, onlyChanged, go)           parts: {strip, slider, back, on}
"use strict";
const strip = (() => {
  const GROUPS = { partition: "quantizer", annotate: "quantizer", calibrate: "quantizer", realize: "quantizer", fold: "quantizer", prepare: "before", import: "before" };

  function shown(compile, step, onlyChanged) {
    return compile.steps.filter((one) => !onlyChanged || one.changed || one.failed || one.index === step);
  }

  function stage(step) {
    return step.lowered ? "functions" : step.stage;
  }

  function render(parts, compile, step, onlyChanged, go) {
    const steps = shown(compile, step, onlyChanged);
    slider(parts.slider, compile, steps, step);
    const at = steps.findIndex((one) => one.index === step);
    parts.back.disabled = at <= 0;
    parts.on.disabled = at >= steps.length - 1;
    const key = `${compile.key} ${onlyChanged} ${steps.length}`;
    if (parts.strip.dataset.shows !== key) bars(parts.strip, compile, steps, go);
    parts.strip.dataset.shows = key;
    for (const bar of parts.strip.querySelectorAll("[data-step]")) {
      const here = Number(bar.dataset.step) === step;
      bar.classList.toggle("here", here);
      if (here) visible(parts.strip, bar);
    }
  }

  function slider(range, compile, steps, step) {
    const one = compile.steps[step];
    range.max = steps.length - 1;
    range.value = steps.findIndex((other) => other.index === step);
    const said = [title(one), stage(one), `${Number(range.value) + 1} of ${steps.length}`, one.failed ? "failed" : "", state(one)];
    range.setAttribute("aria-valuetext", said.filter(Boolean).join(", "));
  }

  // A step of two compiles says itself how it stands.
  function state(one) {
    return one.state !== undefined ? one.state : one.changed || one.failed ? "" : "changed nothing";
  }

  // ↻: another process ran it, and kept what it made.
  function time(one) {
    return one.kept ? `${words.time(one.ms)} ↻` : words.time(one.ms);
  }

  function title(step) {
    return step.ordinal > 1 ? `${step.name} (${step.ordinal})` : step.name;
  }

  function bars(box, compile, steps, go) {
    const longest = Math.log1p(Math.max(1, ...compile.steps.map((one) => one.ms || 0)));
    const groups = [];
    for (const one of steps) {
      const last = groups[groups.length - 1];
      if (last && last[0] === stage(one)) last[1].push(one);
      else groups.push([stage(one), [one]]);
    }
    dom.fill(box, groups.map(([name, inside]) => group(name, inside, longest, go)));
  }

  function group(name, inside, longest, go) {
    const narrow = name === "functions";
    const element = dom.make(`div.v-stage.v-${narrow ? "functions" : GROUPS[name] || "build"}`, { title: name },
      dom.make("div.v-bars", {}, inside.map((one) => bar(one, longest, go))),
      dom.make("span", {}, name));
    element.style.flexGrow = String(inside.length * (narrow ? 1 : 4));
    return element;
  }

  function bar(one, longest, go) {
    const height = one.ms === null ? (one.failed ? 100 : 6) : 8 + (92 * Math.log1p(one.ms)) / longest;
    const said = [title(one), stage(one), one.failed ? "failed" : one.name === "the model" ? "" : time(one), state(one)];
    const hollow = one.hollow === undefined ? !one.changed : one.hollow;
    const element = dom.make(`span.v-bar${one.failed ? ".failed" : hollow ? ".hollow" : ""}`, { "data-step": one.index, title: said.filter(Boolean).join(" · ") },
      dom.make("i", {}, one.failed ? "✗" : ""), one.mark ? dom.make("b", {}, one.mark) : null);
    for (const piece of element.children) piece.style[piece.tagName === "B" ? "bottom" : "height"] = `${height}%`;
    element.addEventListener("click", () => go(one.index));
    return element;
  }

  // Scrolls the box alone, never the page.
  function visible(box, bar) {
    const left = bar.getBoundingClientRect().left - box.getBoundingClientRect().left;
    if (left < 0 || left + Math.min(bar.offsetWidth, box.clientWidth) > box.clientWidth) box.scrollLeft += left - 40;
  }

  return { shown, render, time, title, stage, visible };
})();
