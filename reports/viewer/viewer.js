// Step through a compile: its parts put together, and shown where the page has a place for them.
"use strict";
(async () => {
  const box = document.getElementById("viewer");
  if (!box) return;
  const compiles = await store.load();
  if (!compiles.length) return;
  box.hidden = false;
})();
