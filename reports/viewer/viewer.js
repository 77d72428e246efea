// Step through a compile: its parts put together. What is shown is a compile, a step of it and an
// op, and is the page's address too, so that a link leads there. When one steps, the selected op's
// line is followed; where it ended, to what came of it.
"use strict";
(async () => {
  const box = document.getElementById("viewer");
  if (!box) return;
  const part = (name) => document.getElementById(`viewer-${name}`);
  const parts = Object.fromEntries(
    ["note", "parts", "compiles", "strip", "slider", "back", "on", "changed", "all", "pass", "stage", "what", "ops", "list", "rows", "functions", "texts", "card", "sides"].map((name) => [name, part(name)]));
  let compiles;
  try {
    compiles = await store.load();
  } catch {
    parts.note.textContent = "This browser cannot unpack what was recorded (it has no DecompressionStream, or the page was cut): the passes and the timeline further down say it without.";
    return;
  }
  if (!compiles.length) {
    box.hidden = true;
    return;
  }
  let compile = null, step = 0, op = null, line = null;
  let moving = false, waiting = null;
  const wide = matchMedia("(min-width: 900px)");

  // Where there is no address: the pass that failed, at the op that it was refused at; else the
  // last pass of the quantizer that changed something.
  function opening(one) {
    if (one.opening) return one.opening();
    const failed = one.steps.find((other) => other.failed);
    if (one.refused) return [one.refused.step, one.refused.op];
    if (failed) return [failed.index, null];
    const changed = one.steps.filter((other) => other.changed && !other.lowered);
    const quantizer = changed.filter((other) => ["partition", "annotate", "calibrate", "realize"].includes(other.stage));
    const last = quantizer[quantizer.length - 1] || changed[changed.length - 1] || one.steps[one.steps.length - 1];
    return [last.index, null];
  }

  function go(someCompile, someStep, someOp) {
    [compile, step, op] = [someCompile, someStep, someOp];
    line = compile.line(step, op);
    if (line === null) op = null;
    render();
  }

  // A browser counts changes of the address, and takes no more when a key is held down.
  function move(someCompile, someStep, someOp) {
    go(someCompile, someStep, someOp);
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      moving = true;
      place.go(compile, step, op);
      moving = false;
    }, 120);
  }

  function moveTo(someStep) {
    if (someStep === undefined || someStep === step) return;
    const followed = line;
    move(compile, someStep, stands(followed, someStep));
    if (line === null) line = followed;
  }

  // Where a line, or the nearest of what it came from or became, stands in the module of a step.
  function stands(start, someStep) {
    if (start === null) return null;
    for (const next of [(one) => compile.children(one), (one) => compile.parents(one)]) {
      const family = new Set([start]);
      for (const one of family) {
        const found = compile.op(someStep, one);
        if (found !== null) return found;
        for (const other of next(one)) family.add(other);
      }
    }
    return null;
  }

  function neighbour(by) {
    const steps = strip.shown(compile, step, parts.changed.checked);
    const at = steps.findIndex((one) => one.index === step);
    const to = steps[Math.min(Math.max(at + by, 0), steps.length - 1)];
    return to.index;
  }

  function render() {
    const one = compile.steps[step];
    for (const button of parts.compiles.children) {
      const here = button.dataset.key === compile.key;
      button.setAttribute("aria-pressed", String(here));
      if (here) strip.visible(parts.compiles, button);
    }
    strip.render(parts, compile, step, parts.changed.checked, moveTo);
    dom.fill(parts.pass, one.failed ? dom.make("span.v-failed", {}, "✗ ") : null, strip.title(one));
    parts.stage.textContent = one.index === 0 ? strip.stage(one) : `${strip.stage(one)} · ${strip.time(one)}`;
    parts.what.textContent = diff.sentence(compile, step);
    lowered.render(parts.functions, compile, step);
    parts.ops.hidden = !compile.module(step);
    listing.show(compile, step, op, parts.all.checked, beside() ? sides : oprow);
    texts.render(parts.texts, compile, step);
    opCard.render(parts.card, compile, step, op);
  }

  // Two columns, where there are two modules and the room for them.
  function beside() {
    return Boolean(parts.sides && parts.sides.checked && wide.matches);
  }

  function arrive() {
    const here = place.here(compiles);
    const [first, refused] = opening(here.compile);
    if (here.step === null) go(here.compile, first, refused);
    else go(here.compile, here.step, here.op);
    box.scrollIntoView({ block: "start" });
  }

  function pressed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.target.closest("select, textarea, input:not([type=checkbox])")) return;
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined) return;
    moveTo(neighbour(by));
    event.preventDefault();
  }

  for (const button of [...parts.compiles.children]) {
    const mine = compiles.find((one) => one.key === button.dataset.key);
    if (!mine) button.remove();
    else button.addEventListener("click", () => move(mine, ...opening(mine)));
  }
  parts.back.addEventListener("click", () => moveTo(neighbour(-1)));
  parts.on.addEventListener("click", () => moveTo(neighbour(1)));
  parts.slider.addEventListener("input", () => {
    moveTo(strip.shown(compile, step, parts.changed.checked)[Number(parts.slider.value)].index);
  });
  for (const box of [parts.changed, parts.all, parts.sides]) if (box) box.addEventListener("change", render);
  wide.addEventListener("change", render);
  box.addEventListener("keydown", pressed);
  opCard.attach(compiles);
  parts.note.hidden = true;
  parts.parts.hidden = false;
  listing.attach(parts, {
    select: (place) => move(compile, step, place),
    leave: (someStep, place) => move(compile, someStep, place),
  });
  const ends = (one) => one.refused || one.steps.some((other) => other.failed);
  const first = compiles[0].outcome === "works" && !compiles[0].opening ? compiles.find(ends) || compiles[0] : compiles[0];
  if (place.here(compiles)) arrive();
  else go(first, ...opening(first));
  place.watch(() => {
    if (moving || !place.here(compiles)) return;
    clearTimeout(waiting);
    arrive();
    parts.list.focus({ preventScroll: true });
  });
  if (part("search")) search.attach(part("search"), part("found"), compiles);
})();
