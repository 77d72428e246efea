// Everything can be read without this; it only opens what a link points into, and all for paper.
(function () {
  "use strict";
  function named() {
    try {
      return location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch (error) {
      return null; // an address that is cut
    }
  }
  function reveal() {
    var target = named();
    for (var at = target; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") at.open = true;
    }
    if (target) target.scrollIntoView({ block: target.clientHeight > innerHeight ? "start" : "center" });
  }
  addEventListener("hashchange", reveal);
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details.configuration").forEach(function (at) { at.open = true; });
  });
  document.querySelectorAll(".timeline").forEach(function (box) {
    var cell = box.querySelector(".rejected");
    if (!cell) return;
    box.scrollTop = Math.max(0, cell.offsetTop - box.clientHeight / 2);
    box.scrollLeft = Math.max(0, cell.offsetLeft + cell.offsetWidth - box.clientWidth);
  });
  // In a tall picture, the op that ended the compile is what one came for.
  function centre(box) {
    var node = box.querySelector(".node.rejected");
    if (!node || !box.clientHeight) return;
    var at = node.getBoundingClientRect(), frame = box.getBoundingClientRect();
    box.scrollTop += (at.top + at.bottom) / 2 - (frame.top + frame.bottom) / 2;
    box.scrollLeft += (at.left + at.right) / 2 - (frame.left + frame.right) / 2;
  }
  document.querySelectorAll(".picture").forEach(function (box) {
    centre(box);
    for (var at = box.parentElement; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") at.addEventListener("toggle", centre.bind(null, box), { once: true });
    }
  });
  reveal();
})();
