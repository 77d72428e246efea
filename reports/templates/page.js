// Everything can be read without this; it only opens what a link points into, and all for paper.
(function () {
  "use strict";
  function reveal() {
    var target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (var at = target; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") at.open = true;
    }
    if (target) target.scrollIntoView({ block: "center" });
  }
  addEventListener("hashchange", reveal);
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details.configuration").forEach(function (at) { at.open = true; });
  });
  document.querySelectorAll(".timeline").forEach(function (box) {
    var cell = box.querySelector(".rejected");
    if (cell) box.scrollTop = Math.max(0, cell.offsetTop - box.clientHeight / 2);
  });
  reveal();
})();
