// Step through a compile: its parts put together, and shown where the page has a place for them.
"use strict";
(async () => {
  const box = document.getElementById("viewer");
  if (!box) return;
  const compiles = await store.load();
  if (!compiles.length) return;
  box.hidden = false;
  const show = () => {
    const at = place.here(compiles);
    opCard.render(document.getElementById("op-card"), at && at.compile, at && at.step, at && at.op);
  };
  place.watch(show);
  show();
  search.attach(document.getElementById("search"), document.getElementById("search-results"), compiles);
  place.reveal();
})();
