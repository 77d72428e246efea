// Elements, without a word of HTML: what comes from a model is text, whatever it holds.
//
//   dom.make("span.ref", { title: "…" }, child, "text", null)    null and "" are left out
//   dom.fill(element, ...children)                                instead of what it held
//   dom.svg("path", { d: "…" })
"use strict";
const dom = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  function make(kind, attributes, ...children) {
    const [tag, ...classes] = kind.split(".");
    const element = document.createElement(tag);
    if (classes.length) element.className = classes.join(" ");
    return fill(set(element, attributes), ...children);
  }

  function svg(tag, attributes, ...children) {
    return fill(set(document.createElementNS(SVG, tag), attributes), ...children);
  }

  function set(element, attributes) {
    for (const [name, value] of Object.entries(attributes || {}))
      if (value !== null && value !== undefined && value !== false)
        element.setAttribute(name, value === true ? "" : String(value));
    return element;
  }

  function fill(element, ...children) {
    element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  }

  return { make, svg, fill };
})();
