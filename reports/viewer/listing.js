// The module behind a step, an op a row: only the rows that are seen are in the page. What did not
// change is folded to a line, unless it is opened or selected.
//
//   listing.attach(parts, hooks)              parts: {list, rows}; hooks: {select(place), leave(step, place)}
//   listing.show(compile, step, op, all, drawn)   op is a place or null; all: nothing is folded;
//                                             drawn is what draws a row, oprow or sides
//
// What is only in the module before has a place below zero: -1 is its first op.
//
// Keys: up, down, page up and down, home, end move the selection; Enter opens a line of folded ops,
// follows an op to the first that it reads, with Shift to the first that reads it, and what was
// removed to the module that it was in.
"use strict";
const listing = (() => {
  const CONTEXT = 2, SPARE = 6;
  let list, sheet, hooks;
  let compile = null, step = -1, all = false, view = null, entries = [], cursor = -1, wide = 0, height = 24;
  let drawnFrom = 0, drawnTo = 0, drawn = oprow;
  let opened = new Set(), kept = new Set();

  function attach(parts, given) {
    [list, sheet, hooks] = [parts.list, parts.rows, given];
    list.addEventListener("scroll", scrolled, { passive: true });
    list.addEventListener("click", clicked);
    list.addEventListener("keydown", pressed);
    new ResizeObserver(() => view && (measure(), draw())).observe(list);
  }

  function show(someCompile, someStep, op, everything, drawing = oprow) {
    drawn = drawing;
    list.classList.toggle("in-two", drawn !== oprow);
    const moved = compile !== someCompile || step !== someStep;
    const offset = cursor >= 0 ? cursor * height - list.scrollTop : null;
    if (moved || all !== everything) {
      if (moved) [opened, kept, cursor] = [new Set(), new Set(), -1];
      [compile, step, all] = [someCompile, someStep, everything];
      view = diff.of(compile, step);
      wide = view.now ? rails.width(rails.of(compile, view.now)) : 0;
      measure();
      folded();
    }
    if (op !== null) {
      if (at(op) < 0 && op >= 0 && view.now && op < view.now.lines.length) kept.add(op), folded();
      cursor = at(op);
      if (moved) settle(offset);
      else into(cursor);
    } else if (moved) {
      list.scrollTop = Math.max(0, (firstChange() - CONTEXT) * height);
    }
    draw();
  }

  function measure() {
    height = parseFloat(getComputedStyle(list).getPropertyValue("--v-row")) || 24;
    list.style.setProperty("--v-rails", `${wide}px`);
    list.style.setProperty("--v-at", `${String(view.rows.length).length + 1}ch`);
    sheet.style.height = `${entries.length * height}px`;
  }

  // What is shown: rows of the view, and folds of them.
  function folded() {
    entries = [];
    const { rows, before } = view;
    const near = new Set();
    rows.forEach((row, i) => {
      if (row.kind !== "same" || kept.has(row.place))
        for (let j = Math.max(0, i - CONTEXT); j <= i + CONTEXT; j += 1) near.add(j);
    });
    const folds = (i) => !all && before && i < rows.length && !near.has(i);
    for (let i = 0; i < rows.length; ) {
      let end = i;
      while (folds(end)) end += 1;
      if (end - i > 1 && !opened.has(rows[i].line)) {
        entries.push({ from: i, to: end - 1 });
        i = end;
      } else {
        do entries.push(rows[i]), (i += 1);
        while (i < end);
      }
    }
    sheet.style.height = `${entries.length * height}px`;
  }

  function at(place) {
    return entries.findIndex((entry) => placed(entry) === place);
  }

  // null of a fold.
  function placed(entry) {
    return entry.from !== undefined ? null : entry.place === null ? -1 - entry.old : entry.place;
  }

  function firstChange() {
    return Math.max(0, entries.findIndex((entry) => entry.kind && entry.kind !== "same"));
  }

  // The selected row stays where it was on the screen, if that is where one can see it.
  function settle(offset) {
    const seen = offset !== null && offset >= 0 && offset <= list.clientHeight - height;
    list.scrollTop = cursor * height - (seen ? offset : (list.clientHeight - height) / 2);
  }

  function into(entry) {
    const top = entry * height, room = list.clientHeight - height;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top > list.scrollTop + room) list.scrollTop = top - room;
  }

  // Which rows are seen, and so many spare ones around them.
  function range(spare) {
    const top = list.scrollTop;
    return [Math.max(0, Math.floor(top / height) - spare), Math.min(entries.length, Math.ceil((top + list.clientHeight) / height) + spare)];
  }

  function scrolled() {
    const [first, last] = range(0);
    if (first < drawnFrom || last > drawnTo) draw();
  }

  function draw() {
    if (!view) return;
    const [first, last] = range(SPARE);
    [drawnFrom, drawnTo] = [first, last];
    const near = related();
    const shown = [];
    for (let i = first; i < last; i += 1) shown.push(element(i, near));
    dom.fill(sheet, shown);
    if (cursor >= first && cursor < last) list.setAttribute("aria-activedescendant", `v-op-${cursor}`);
    else list.removeAttribute("aria-activedescendant");
  }

  function element(i, near) {
    const entry = entries[i], fold = entry.from !== undefined;
    const refused = !fold && entry.place !== null && compile.refused !== null && compile.refused.step === step && compile.refused.op === entry.place;
    const look = { height, wide, refused, step };
    const row = dom.make(`div.v-row.${fold ? "fold" : entry.kind}`, {
      role: "option", id: `v-op-${i}`, "data-entry": i, "aria-selected": String(i === cursor), "aria-posinset": i + 1, "aria-setsize": entries.length,
    }, ...(fold ? drawn.fold(compile, view, entry, look) : drawn.make(compile, view, entry, look)));
    if (refused) row.classList.add("refused");
    if (!fold && near.has(entry.line)) row.classList.add(near.get(entry.line));
    row.style.top = `${i * height}px`;
    return row;
  }

  // The ops that the selected one reads, and those that read it, by line.
  function related() {
    const near = new Map(), selected = entries[cursor];
    if (!selected || selected.from !== undefined) return near;
    const [module, place] = there(selected);
    for (const read of sources(module, place)) near.set(module.lines[read], "feeds");
    for (const reader of readers(module, place)) near.set(module.lines[reader], "fed");
    return near;
  }

  // The module that an entry stands in, and where.
  function there(entry) {
    return entry.place === null ? [view.before, entry.old] : [view.now, entry.place];
  }

  function sources(module, place) {
    const lines = diff.reads(compile.row(module.rows[place])).map((read) => read.line);
    return lines.filter((line) => line !== undefined).map((line) => compile.place(module, line)).filter((one) => one >= 0);
  }

  function readers(module, place) {
    if (!module.readers) {
      module.readers = module.rows.map(() => []);
      module.rows.forEach((_, reader) => {
        for (const source of new Set(sources(module, reader))) module.readers[source].push(reader);
      });
    }
    return module.readers[place];
  }

  function clicked(event) {
    const reference = event.target.closest("[data-place]"), row = event.target.closest("[data-entry]");
    if (!row) return;
    const entry = entries[Number(row.dataset.entry)];
    if (entry.from !== undefined) open(entry);
    else if (reference) follow(reference.closest(".v-side:nth-child(3)") ? view.before : there(entry)[0], Number(reference.dataset.place));
    else choose(Number(row.dataset.entry));
  }

  function open(entry) {
    opened.add(view.rows[entry.from].line);
    const index = entries.indexOf(entry);
    folded();
    choose(index);
  }

  // What something removed reads stands in the module before: of the same compile that is a step
  // back, of another it is shown beside.
  function follow(module, place) {
    if (module === view.now) hooks.select(place);
    else if (compile.opening) hooks.select(compile.op(step, module.lines[place]));
    else hooks.leave(module.step, place);
  }

  function choose(index) {
    cursor = Math.min(Math.max(index, 0), entries.length - 1);
    const entry = entries[cursor];
    if (!entry) return;
    into(cursor);
    draw();
    hooks.select(placed(entry));
  }

  function pressed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(list.clientHeight / height) - 1);
    const to = {
      ArrowUp: cursor - 1, ArrowDown: cursor + 1, PageUp: cursor - page, PageDown: cursor + page, Home: 0, End: entries.length - 1,
    }[event.key];
    if (to !== undefined) choose(to);
    else if (event.key === "Enter" && entries[cursor]) enter(entries[cursor], event.shiftKey);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function enter(entry, backwards) {
    if (entry.from !== undefined) return open(entry);
    if (entry.kind === "removed" && !compile.opening) return hooks.leave(view.before.step, entry.old);
    const [module, place] = there(entry);
    const [next] = backwards ? readers(module, place) : sources(module, place);
    if (next !== undefined) follow(module, next);
  }

  return { attach, show };
})();
