// Search over all compiles: ops, spans, dtypes, passes, what was said. Words, and key:value:
//
//   conv2d dtype:int4        op: span: dtype: pass: kind: (added, changed, refused)  message: stage: in:
//   "unknown data type"      words that stand together; #10 or %10 is an op by its number
//
// What has the words whole stands before what only contains them, and the verdict before all.
//   search.attach(input, list, compiles)     "/" goes there, Escape leaves, ↓ goes into the results
"use strict";
const search = (() => {
  const MOST = 50;
  let entries = null;

  // What can be found, each once: an op at each pass that changed it, a pass, the verdict.
  function index(compiles) {
    const found = [];
    for (const compile of compiles) {
      const at = compile.refused || { step: (compile.steps.find((one) => one.failed) || {}).index, op: null };
      if (compile.message && at.step !== undefined)
        found.push({ sort: "verdict", compile, step: at.step, op: at.op, title: `${compile.outcome}: ${compile.message}`,
          fields: { message: `${compile.message} ${compile.outcome}`, kind: compile.outcome } });
      for (const step of compile.steps)
        found.push({ sort: "pass", compile, step: step.index, op: null, title: strip.title(step),
          fields: { pass: step.name, kind: [step.changed ? "changed" : "", step.failed ? "refused failed" : ""].join(" "), stage: step.stage } });
      for (const module of compile.modules) {
        const before = module.number ? compile.before(module.step) : null;
        module.rows.forEach((number, op) => {
          const old = before ? compile.place(before, module.lines[op]) : -1;
          const refused = compile.refused && compile.refused.op === op && compile.module(compile.refused.step) === module;
          if (old >= 0 && before.rows[old] === number && !refused) return;
          const row = compile.row(number), note = compile.notes[module.lines[op]] || {};
          const step = refused ? compile.refused.step : module.step;
          found.push({ sort: "op", compile, step, op, title: `%${op} ${row.op}`, row,
            fields: {
              op: row.op, span: row.span, dtype: `${row.makes} ${row.standsFor} ${row.attributes.map(([, value]) => value).join(" ")}`,
              kind: `${before ? (old < 0 ? "added" : before.rows[old] === number ? "" : "changed") : ""} ${refused ? "refused" : ""} ${note.fate || ""}`,
              pass: compile.steps[step].name, message: note.reason || "",
              number: `#${op} %${op}`, reads: diff.reads(row).map((read) => read.text || "").join(" "),
            } });
        });
      }
    }
    for (const entry of found) {
      for (const name of Object.keys(entry.fields)) entry.fields[name] = entry.fields[name].toLowerCase();
      // Not what became of it: an "added" is no "add".
      entry.all = Object.entries(entry.fields).map(([name, text]) => (name === "kind" ? text.replace(/added|changed/g, "") : text)).join(" ");
      entry.fields.in = entry.compile.name.toLowerCase();
    }
    return found;
  }

  const FIRST = { verdict: 100, pass: 1 };
  function score(entry, terms) {
    const refused = (entry.fields.kind || "").includes("refused") ? 10 : 0;
    const whole = terms.filter(([key, word]) => named((key ? entry.fields[key] : entry.all) || "", word)).length;
    return (FIRST[entry.sort] || 0) + refused + 20 * whole;
  }

  function ranked(found, terms) {
    const scores = new Map(found.map((entry) => [entry, score(entry, terms)]));
    return found.sort((one, other) => scores.get(other) - scores.get(one));
  }

  function matches(entry, terms) {
    return terms.every(([key, word]) => (key === "dtype" || /^[#%]\d+$/.test(word) ? named((key ? entry.fields[key] : entry.all) || "", word) : (key ? entry.fields[key] || "" : entry.all).includes(word)));
  }

  // int4 is none of int40's; int, and float, are of all of them.
  function named(text, word) {
    const at = text.indexOf(word);
    if (at < 0) return false;
    const behind = text[at + word.length] || " ";
    const whole = !/\w/.test(text[at - 1] || " ") && !(/\d$/.test(word) ? /\d/ : /[a-z_]/).test(behind);
    return whole || named(text.slice(at + 1), word);
  }

  function terms(text) {
    const keys = ["op", "span", "dtype", "pass", "kind", "message", "stage", "in"];
    return (text.toLowerCase().match(/(?:\w+:)?"[^"]+"|\S+/g) || []).map((word) => {
      const [, key, value] = /^(\w+):(.+)$/.exec(word) || [];
      return keys.includes(key) ? [key, plain(value)] : [null, plain(word)];
    });
  }

  function plain(word) {
    return word.replaceAll('"', "");
  }

  function attach(input, list, compiles) {
    if (!input || !list) return;
    const show = () => {
      const wanted = terms(input.value);
      list.hidden = !wanted.length;
      if (!wanted.length) return void dom.fill(list);
      entries ||= index(compiles);
      const found = ranked(entries.filter((entry) => matches(entry, wanted)), wanted);
      dom.fill(list,
        dom.make("p", { role: "status" }, found.length ? `${found.length.toLocaleString("en")} found${found.length > MOST ? `, the ${MOST} that fit best; another word narrows it` : ""}` : "Nothing of that kind. Words, \"words together\", #10, and op: span: dtype: pass: kind: stage: message: in:"),
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
