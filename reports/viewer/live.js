// A page of a run that goes on takes in what is new: it loads itself again (from disk there is no
// other way) and puts everything back where it was. Not while somebody types, drags, selects or
// looks elsewhere, and less often as long as nothing is new. A page of a finished run only puts
// back: it has no timer.
//
// The place is kept in the history's entry, which outlives a reload, also of a file: what is open,
// fields and what they hold, how far everything is scrolled, the focus, and what stands at the top.
"use strict";
(() => {
  const band = document.getElementById("under-way");
  const SETTLES = 2000; // milliseconds in which parts that are built late still find their place
  const SLOWEST = 10;
  const FIELDS = "input:not([type=range], [type=file]), select, textarea"; // a slider stands where the address says
  const BOXES = ".scroll, .picture, .timeline, pre, [role=listbox], [role=region], [data-scrolls]";

  // An element by its id, or by its number among its kind below the nearest that has one.
  function name(element) {
    if (element.id) return `#${element.id}`;
    const root = element.parentElement.closest("[id]") || document.body;
    const like = [...root.querySelectorAll(element.tagName)];
    return `${root.id ? `#${root.id}` : ""} ${element.tagName} ${like.indexOf(element)}`;
  }

  function named(text) {
    const [root, tag, number] = text.split(" ");
    const from = root ? document.getElementById(root.slice(1)) : document.body;
    return tag && from ? from.querySelectorAll(tag)[Number(number)] : from;
  }

  const all = (selector) => [...document.querySelectorAll(selector)];

  function place() {
    const top = all("[id]:not(svg *, #under-way, #under-way *)").map((element) => [element, element.getBoundingClientRect()])
      .filter(([, box]) => box.height && box.top <= innerHeight / 3 && box.bottom > 0)
      .sort(([, a], [, b]) => b.top - a.top)[0];
    const active = document.activeElement;
    return {
      written: band.dataset.written,
      open: all("details").map((element) => [name(element), element.open]),
      fields: all(FIELDS).map((element) => [name(element), element.type, element.checked, element.value]),
      boxes: all(BOXES).filter((element) => element.scrollTop || element.scrollLeft)
        .map((element) => [name(element), element.scrollLeft, element.scrollTop]),
      focus: active && active !== document.body ? name(active) : null,
      caret: caret(active),
      top: scrollY && top ? [name(top[0]), top[1].top] : null,
      left: scrollX,
    };
  }

  function caret(element) {
    try {
      return element.selectionStart === undefined ? null : [element.selectionStart, element.selectionEnd];
    } catch {
      return null; // a field that has none
    }
  }

  // What is there is put back at once, what the viewer builds later when it is there. Each field
  // once: its own script may change it for good.
  function restore(was) {
    const fields = new Map(was.fields.map(([name, ...rest]) => [name, rest]));
    let over = false;

    function put() {
      if (over) return;
      for (const [name, open] of was.open) {
        const element = named(name);
        if (element && element.tagName === "DETAILS" && element.open !== open) element.open = open;
      }
      for (const [name, value] of fields) {
        const element = named(name);
        if (!element || !element.matches(FIELDS)) continue;
        fields.delete(name);
        fill(element, ...value);
      }
      const focused = was.focus && named(was.focus);
      if (focused && document.activeElement !== focused) {
        focused.focus({ preventScroll: true });
        if (was.caret && was.caret[0] !== null && document.activeElement === focused) focused.setSelectionRange(...was.caret);
      }
      for (const [name, left, top] of was.boxes) {
        const element = named(name);
        if (element) element.scrollTo({ left, top, behavior: "instant" });
      }
      const top = was.top && named(was.top[0]);
      const y = top ? scrollY + top.getBoundingClientRect().top - was.top[1] : was.top ? scrollY : 0;
      scrollTo({ left: was.left, top: y, behavior: "instant" });
    }

    const observer = new MutationObserver(put);
    observer.observe(document.body, { childList: true, subtree: true });
    const stop = () => {
      over = true;
      observer.disconnect();
    };
    for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) addEventListener(kind, stop, { once: true, capture: true });
    put();
    for (const later of [50, 200, 600, 1200]) setTimeout(put, later); // what opens lays itself out late
    setTimeout(stop, SETTLES);
  }

  function fill(element, type, checked, value) {
    if (element.type !== type) return;
    const same = element.checked === checked && element.value === value;
    if (same) return;
    if (checked !== undefined) element.checked = checked;
    element.value = value;
    for (const kind of ["input", "change"]) element.dispatchEvent(new Event(kind, { bubbles: true }));
  }

  // When somebody last did something, and whether a button is still held down.
  let touched = -Infinity, held = false;
  const touch = () => (touched = performance.now());

  function busy() {
    const active = document.activeElement;
    const chooses = active && active.matches("select, [aria-expanded=true]");
    const types = active && active.matches("input:not([type=checkbox]):not([type=radio]), textarea");
    const quiet = performance.now() - touched;
    return document.hidden || held || quiet < (types ? 10000 : 1500) || (chooses && quiet < 30000)
      || !getSelection().isCollapsed || document.querySelector("dialog[open]") !== null;
  }

  function follow(was) {
    const box = document.getElementById("follow");
    box.closest(".follow").hidden = false;
    const least = Number(band.dataset.every);
    const same = was && was.written === band.dataset.written;
    const seconds = same ? Math.min(was.seconds * 1.3, Math.max(SLOWEST, least)) : least;
    const due = performance.now() + 1000 * Math.max(seconds, least);
    setInterval(() => {
      if (performance.now() < due || !box.checked || busy()) return;
      history.replaceState({ ...history.state, live: { ...place(), seconds } }, "");
      location.reload();
    }, 250);
    for (const kind of ["keydown", "input", "pointermove", "wheel", "scroll", "touchmove"])
      addEventListener(kind, touch, { passive: true, capture: true });
    addEventListener("pointerdown", () => (held = true), true);
    for (const kind of ["pointerup", "pointercancel", "dragend"]) addEventListener(kind, () => (held = false), true);
    addEventListener("blur", () => (held = false)); // of the window
  }

  const { live: was, ...rest } = history.state || {};
  if (was) {
    history.scrollRestoration = "manual";
    history.replaceState(Object.keys(rest).length ? rest : null, "");
    restore(was);
    addEventListener("load", () => setTimeout(() => (history.scrollRestoration = "auto"), SETTLES));
  }
  if (band) follow(was);
})();
