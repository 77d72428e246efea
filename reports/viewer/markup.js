// Elements made of text, for the parts that come after it. Nothing is ever parsed as HTML.
//
//   markup.make("p.muted", "text", child, null)      an element; null and "" add nothing
//   markup.link(compile, step, op, ...children)      a link to there
//   markup.join(", ", [child, child])                what goes between them, as children
//   markup.count(3, "op")                            "3 ops"
"use strict";
const markup = (() => {
  function make(what, ...children) {
    const [tag, ...classes] = what.split(".");
    const element = document.createElement(tag);
    if (classes.length) element.className = classes.join(" ");
    element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  }

  function link(compile, step, op, ...children) {
    const anchor = make("a", ...children);
    anchor.setAttribute("href", place.href(compile, step, op));
    return anchor;
  }

  function join(between, parts) {
    return parts.flatMap((part, index) => (index ? [between, part] : [part]));
  }

  function count(number, noun, nouns = `${noun}s`) {
    return `${number.toLocaleString("en")} ${number === 1 ? noun : nouns}`;
  }

  return { make, link, join, count };
})();
