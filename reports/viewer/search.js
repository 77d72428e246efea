// Search over all compiles: ops, spans, dtypes, passes, what was said. Words, and key:value:
//
//   conv2d dtype:int4        op: span: dtype: pass: kind: (added, changed, refused)  message:
//
//   search.attach(input, list, compiles)     "/" goes there, Escape leaves, ↓ goes into the results
"use strict";
const search = (() => {
  const MOST = 50;
  let entries = null;

  // What can be found, each once: an op at each pass that changed it, a pass, the verdict.
  function index(compiles) {
    const found = [];
    for (const compile of compiles) {
      for (const step of compile.steps)
        found.push({ sort: "pass", compile, step: step.index, op: null, title: strip.title(step),
          fields: { pass: step.name, kind: [step.changed ? "changed" : "", step.failed ? "refused failed" : ""].join(" "), stage: step.stage } });
      for (const module of compile.modules) {
        const before = module.number ? compile.before(module.step) : null;
        module.rows.forEach((number, op) => {
          const old = before ? compile.place(before, module.lines[op]) : -1;
          if (old >= 0 && before.rows[old] === number) return;
          const row = compile.row(number), note = compile.notes[module.lines[op]] || {};
          const refused = compile.refused && compile.refused.step === module.step && compile.refused.op === op;
          found.push({ sort: "op", compile, step: module.step, op, title: `%${op} ${row.op}`, row,
            fields: {
              op: row.op, span: row.span, dtype: `${row.makes} ${row.standsFor} ${row.attributes.map(([, value]) => value).join(" ")}`,
              kind: `${before ? (old < 0 ? "added" : "changed") : ""} ${refused ? "refused" : ""} ${note.fate || ""}`,
              pass: compile.steps[module.step].name, message: note.reason || "",
            } });
        });
      }
    }
    for (const entry of found) {
      for (const name of Object.keys(entry.fields)) entry.fields[name] = entry.fields[name].toLowerCase();
      entry.all = Object.values(entry.fields).join(" ") + " " + entry.compile.name.toLowerCase();
    }
    return found;
  }

  function matches(entry, terms) {
    return terms.every(([key, word]) => (key === "dtype" ? named(entry.fields.dtype || "", word) : (key ? entry.fields[key] || "" : entry.all).includes(word)));
  }

  // int4 is none of int40's; int, and float, are of all of them.
  function named(text, word) {
    const at = text.indexOf(word);
    if (at < 0) return false;
    const whole = !/\w/.test(text[at - 1] || " ") && !(/\d$/.test(word) && /\d/.test(text[at + word.length] || " "));
    return whole || named(text.slice(at + 1), word);
  }

  function terms(text) {
    const keys = ["op", "span", "dtype", "pass", "kind", "message", "stage"];
    return text.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
      const [, key, value] = /^(\w+):(.+)$/.exec(word) || [];
      return keys.includes(key) ? [key, value] : [null, word];
    });
  }

  function attach(input, list, compiles) {
    if (!input || !list) return;
    const show = () => {
      const wanted = terms(input.value);
      list.hidden = !wanted.length;
      if (!wanted.length) return void dom.fill(list);
      entries ||= index(compiles);
      const found = entries.filter((entry) => matches(entry, wanted));
      dom.fill(list,
        dom.make("p", { role: "status" }, found.length ? `${found.length.toLocaleString("en")} found${found.length > MOST ? `, the first ${MOST} of them` : ""}` : "Nothing of that kind. Words, and op: span: dtype: pass: kind: message:"),
        dom.make("ul", {}, found.slice(0, MOST).map(result)));
    };
    input.addEventListener("input", show);
    input.addEventListener("focus", show);
    list.addEventListener("click", (event) => {
      if (event.target.closest("a")) list.hidden = true;
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        input.value = "";
        show();
        input.blur();
      } else if (event.key === "ArrowDown" && list.querySelector("a")) {
        list.querySelector("a").focus();
        event.preventDefault();
      }
    });
    list.addEventListener("keydown", (event) => walk(event, input, list));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
      input.focus();
      input.select();
      event.preventDefault();
    });
  }

  function walk(event, input, list) {
    const links = [...list.querySelectorAll("a")], at = links.indexOf(document.activeElement);
    if (event.key === "Escape" || (event.key === "ArrowUp" && at === 0)) input.focus();
    else if (event.key === "ArrowDown" && at + 1 < links.length) links[at + 1].focus();
    else if (event.key === "ArrowUp" && at > 0) links[at - 1].focus();
    else return;
    event.preventDefault();
  }

  function result(entry) {
    const { compile, step, op, row } = entry;
    const where = op === null ? [compile.name] : [compile.name, strip.title(compile.steps[step])];
    return dom.make("li", {}, dom.make("a", { href: place.href(compile, step, op) }, entry.title), " ",
      row ? [words.chip(row.makes), row.standsFor ? words.standing(row.standsFor) : null, " "] : null,
      dom.make("span.muted", {}, where.join(" · "), row && row.span ? ` · ${row.span}` : ""));
  }

  return { attach };
})();
