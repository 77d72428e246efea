// The list of all runs: searched, filtered, put in order, and two of them picked to be compared.
// A run is shown as a whole if one of its configurations has the dtype and the outcome; what was
// chosen is in the page's address. Without this the list is a table, newest first.
"use strict";
(() => {
  const form = document.getElementById("find");
  const table = document.getElementById("runs");
  if (!form || !table) return;
  const pair = document.getElementById("pair");
  const runs = [...table.tBodies].map((body, number) => ({
    body, number,
    text: body.textContent.toLowerCase(),
    lines: [...body.rows].map((row) => row.dataset),
    ...body.dataset, // run, model, tvm, argument, before, now
  }));
  const trends = [...document.querySelectorAll(".trends tbody tr")];
  const compare = new Intl.Collator(undefined, { numeric: true }).compare;
  const keys = {
    "": (run) => run.number,
    oldest: (run) => -run.number,
    run: (run) => run.run,
    model: (run) => run.model,
    tvm: (run) => run.tvm,
    dtype: (run) => run.lines[0].dtype,
    outcome: (run) => run.lines[0].outcome,
  };
  let picked = [];

  const chosen = () => Object.fromEntries([...new FormData(form)].filter(([, value]) => value));

  function fits(run, { q = "", model, tvm, dtype, outcome }) {
    return q.toLowerCase().split(/\s+/).every((word) => run.text.includes(word))
      && (!model || run.model === model) && (!tvm || run.tvm === tvm)
      && run.lines.some((line) => (!dtype || line.dtype === dtype) && (!outcome || line.outcome === outcome));
  }

  // What has no value for the order stands last; equals stay newest first.
  function ordered(key) {
    const value = (run) => (key(run) === undefined ? "" : key(run));
    return [...runs].sort((a, b) => {
      const [one, other] = [value(a), value(b)];
      if (typeof one === "number") return one - other;
      return (one === "") - (other === "") || compare(one, other) || a.number - b.number;
    });
  }

  function show() {
    const wanted = chosen();
    let shown = 0;
    for (const run of runs) {
      run.body.hidden = !fits(run, wanted);
      shown += !run.body.hidden;
    }
    for (const row of trends)
      row.hidden = ["model", "dtype"].some((name) => wanted[name] && row.dataset[name] !== wanted[name]);
    document.getElementById("found").textContent = shown === runs.length ? `${shown} runs` : `${shown} of ${runs.length} runs`;
  }

  function arrange() {
    table.append(...ordered(keys[form.elements.order.value] || keys[""]).map((run) => run.body));
    table.caption.textContent = `${runs.length} runs, ${form.elements.order.selectedOptions[0].textContent}`;
  }

  function remember() {
    const address = new URLSearchParams(chosen()).toString();
    history.replaceState(history.state, "", address ? `#${address}` : location.pathname);
  }

  function recall() {
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
      const field = form.elements.namedItem(name);
      if (field) field.value = value;
    }
    arrange();
    show();
  }

  function element(tag, text, attributes = {}) {
    const made = Object.assign(document.createElement(tag), attributes);
    made.append(text);
    return made;
  }

  // The older of the two is what the newer is compared with.
  function offer() {
    pair.hidden = picked.length === 0;
    const [now, before] = [...picked].sort((a, b) => a.number - b.number);
    if (!before) {
      pair.replaceChildren(now ? `${now.run} is picked: pick another to compare it with.` : "");
      return;
    }
    const parts = [element("span", `Compare ${before.run} with ${now.run}: `),
      element("code", `python scripts/compare_traces.py ${before.argument} ${now.argument}`)];
    const done = runs.find((run) => run.before === before.run && run.now === now.run && run.body.querySelector("a"));
    if (done) parts.push(element("a", `their comparison is there: ${done.run}`, { href: done.body.querySelector("a").href }));
    pair.replaceChildren(...parts);
  }

  // A third takes the place of the one that was picked first.
  function pick(run, box) {
    picked = box.checked ? [...picked, run] : picked.filter((other) => other !== run);
    for (const gone of picked.splice(0, picked.length - 2)) gone.box.checked = false;
    for (const other of runs) other.body.classList.toggle("picked", picked.includes(other));
    offer();
  }

  for (const run of runs.filter((one) => one.argument)) {
    run.box = Object.assign(document.createElement("input"), { type: "checkbox", className: "pick" });
    run.box.setAttribute("aria-label", `compare ${run.run}`);
    run.box.addEventListener("change", () => pick(run, run.box));
    run.body.rows[0].cells[0].prepend(run.box);
  }
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    if (event.target.name === "order") arrange();
    show();
    remember();
  });
  addEventListener("hashchange", recall);
  recall();
})();
