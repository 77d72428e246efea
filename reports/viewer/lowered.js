// What a pass on lowered functions changed: there are no op tables of those, but their names and
// what their parameters are.
//
//   lowered.render(element, compile, step)    hides the element where the step is none of those
"use strict";
const lowered = (() => {
  const MOST = 400;

  function render(element, compile, step) {
    const { lowered, functions } = compile.steps[step];
    element.hidden = !lowered;
    if (!lowered) return;
    const shown = functions.slice(0, MOST);
    dom.fill(element,
      shown.length ? dom.make("ul.v-lowered", { tabindex: 0, "aria-label": "Lowered functions that it changed" }, shown.map(line)) : null,
      functions.length > MOST ? dom.make("p.muted", {}, `and ${(functions.length - MOST).toLocaleString("en")} more`) : null,
      dom.make("p.muted", {}, "Of lowered functions the recorder keeps names and parameters; the module of operators below is as it was before them."));
  }

  function line({ name, params, side }) {
    return dom.make("li", {}, side ? dom.make("b", {}, `${side}: `) : null, dom.make("code", {}, name), " ", params.map((dtype) => [words.chip(dtype), " "]));
  }

  return { render };
})();
