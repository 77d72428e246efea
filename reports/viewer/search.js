// The search field: results as links, by kind, as one types.
//
//   search.attach(input, list, compiles)     once; `/` leads into the field, Escape out of it,
//                                            the arrow keys through the results
"use strict";
const search = (() => {
  const { make, link } = markup;
  const MOST = { messages: 10, passes: 10, ops: 30 };
  const TITLES = { messages: "Messages", passes: "Passes", ops: "Ops" };

  function attach(input, list, compiles) {
    if (!input || !list) return;
    let index = null;
    const said = make("p.visually-hidden");
    said.setAttribute("role", "status");
    list.after(said);
    list.hidden = true;

    function update() {
      const terms = query.parse(input.value);
      index ||= terms.length ? query.index(compiles) : null;
      const found = index ? query.find(index, terms) : null;
      show(list, found, terms);
      list.hidden = !terms.length;
      const total = found ? Object.values(found).reduce((all, some) => all + some.length, 0) : 0;
      said.textContent = terms.length ? words.many(total, "result") : "";
    }

    function leave() {
      list.hidden = true;
      said.textContent = "";
      input.blur();
    }

    input.addEventListener("input", update);
    input.addEventListener("focus", () => input.value && list.hidden && update());
    addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      event.preventDefault();
      input.focus();
      input.select();
    });
    for (const element of [input, list]) element.addEventListener("keydown", (event) => move(event, input, list, leave));
    list.addEventListener("click", (event) => event.target.closest("a") && leave());
    // Elsewhere in the page it is in the way; within the results one may still go on.
    document.addEventListener("focusin", ({ target }) => {
      if (target !== input && !list.contains(target)) list.hidden = true;
    });
    document.addEventListener("pointerdown", ({ target }) => {
      if (target !== input && !list.contains(target)) list.hidden = true;
    });
  }

  function typing(target) {
    return target instanceof Element && Boolean(target.closest("input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable]"));
  }

  function move(event, input, list, leave) {
    const links = [...list.querySelectorAll("a")], at = links.indexOf(document.activeElement);
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key === "Escape") {
      event.stopPropagation();
      leave();
    } else if (event.key === "Enter" && event.target === input && !list.hidden && links.length) {
      event.preventDefault();
      links[0].click();
    } else if (event.key in steps && !list.hidden && links.length) {
      event.preventDefault();
      event.stopPropagation();
      const next = at + steps[event.key];
      if (next < 0) input.focus();
      else if (next < links.length) links[next].focus();
    }
  }

  function show(list, found, terms) {
    list.replaceChildren();
    if (!found) return;
    const kinds = Object.keys(MOST).filter((kind) => found[kind].length);
    for (const kind of kinds) list.append(group(kind, found[kind], terms));
    if (!kinds.length) list.append(make("p.muted", "Nothing. Words and op:, dtype:, span:, pass:, in:, message:, is:changed, is:added, is:refused can be looked for."));
  }

  function group(kind, all, terms) {
    const heading = make("h4", TITLES[kind], " ", make("span.said", all.length.toLocaleString("en")));
    const items = all.slice(0, MOST[kind]).map((one) => make("li", result[kind](one, terms)));
    const more = all.length > items.length ? make("p.muted", `and ${(all.length - items.length).toLocaleString("en")} more`) : null;
    return make("section", heading, make("ul", items), more);
  }

  const result = {
    messages({ compile, said }, terms) {
      const step = compile.refused ? compile.refused.step : null;
      const anchor = make("a", ...lit(said, terms, ["", "message"]));
      anchor.setAttribute("href", step === null ? `#${compile.key}` : place.href(compile, step, compile.refused.op));
      return [anchor, where(compile)];
    },
    passes({ compile, step }, terms) {
      const state = step.failed ? "✗ refused" : step.changed ? "changed" : "changed nothing";
      return [link(compile, step.index, null, ...lit(strip.title(step), terms, ["", "pass"])), make("small", ` ${step.stage}, ${state}`), where(compile)];
    },
    ops({ compile, step, line, row }, terms) {
      const { op, makes, standsFor, span } = compile.row(row);
      const at = compile.place(compile.module(step), line), note = compile.notes[line];
      return [
        link(compile, step, at, make("code", ...lit(op, terms, ["", "op"])), ` %${at}`), " ",
        make("code", ...lit(makes, terms, ["", "dtype"])), " ", ...lit(standsFor, terms, ["", "dtype"]),
        span ? make("small", " ", ...lit(span, terms, ["", "span"])) : "",
        note && note.fate === "rejected" ? make("b.refusal", " ✗ rejected") : "",
        make("small", ` ${compile.steps[step].failed ? "given to" : "behind"} ${strip.title(compile.steps[step])}`), where(compile),
      ];
    },
  };

  function where(compile) {
    return make("small", ` in ${compile.name}`);
  }

  // A text in which what was looked for is marked.
  function lit(text, terms, keys) {
    const words = terms.filter(({ key }) => keys.includes(key)).map((term) => term.text);
    const lower = text.toLowerCase(), parts = [];
    let at = 0;
    while (lower.length === text.length && at < text.length) {
      const next = words.map((word) => [lower.indexOf(word, at), word]).filter(([start]) => start >= 0);
      if (!next.length) break;
      const [start, word] = next.reduce((a, b) => (b[0] < a[0] || (b[0] === a[0] && b[1].length > a[1].length) ? b : a));
      parts.push(text.slice(at, start), make("mark", text.slice(start, start + word.length)));
      at = start + word.length;
    }
    return [...parts, text.slice(at)];
  }

  return { attach };
})();
