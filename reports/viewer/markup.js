// What the card and the search are made of.
//
//   markup.make("p.muted", "text", child, null)      an element without attributes
//   markup.link(compile, step, op, ...children)      a link to there
//   markup.join(", ", [child, child])                what goes between them, as children
"use strict";
const markup = (() => {
  function make(what, ...children) {
    return dom.make(what, {}, ...children);
  }

  function link(compile, step, op, ...children) {
    const anchor = make("a", ...children);
    anchor.setAttribute("href", place.href(compile, step, op));
    return anchor;
  }

  function join(between, parts) {
    return parts.flatMap((part, index) => (index ? [between, part] : [part]));
  }

  return { make, link, join };
})();
