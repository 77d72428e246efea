// What somebody looks for, and what of the compiles it is.
//
//   query.parse('conv2d dtype:int4 pass:Realize')   [{key, text}], key "" of a plain word
//   query.index(compiles)                           made once
//   query.find(index, terms)                        {ops, passes, messages}, each a list
//
// All terms must hold. A plain word is looked for in all that an op, a pass or a message says; with
// a key only there: op, dtype, span, pass, in (the configuration), message, is (changed, refused,
// added). "Quoted words" are one.
"use strict";
const query = (() => {
  const KEYS = { op: "op", dtype: "dtype", span: "span", pass: "pass", in: "in", config: "in", message: "message", is: "is", kind: "is", state: "is" };
  const STATES = ["changed", "refused", "added"];

  function parse(text) {
    const terms = [];
    for (const [, key, quoted, plain] of text.toLowerCase().matchAll(/(?:([a-z]+):)?(?:"([^"]*)"?|(\S+))/g)) {
      const known = key && Object.hasOwn(KEYS, key) ? KEYS[key] : "";
      const wanted = quoted ?? plain;
      if (wanted) terms.push({ key: known, text: key && !known ? `${key}:${wanted}` : wanted });
    }
    return terms;
  }

  // Texts are looked through once a row, which many ops and steps share; an op once a line and row.
  function index(compiles) {
    const rows = [];
    const text = (compile, number) => (rows[number] ||= worded(compile.row(number)));
    const ops = compiles.flatMap((compile) => lives(compile, text));
    const passes = compiles.flatMap((compile) => compile.steps.map((step) => ({ compile, step, name: step.name.toLowerCase(), stage: step.stage.toLowerCase() })));
    const messages = compiles.flatMap((compile) => compile.messages.map((said) => ({ compile, said, text: said.toLowerCase() })));
    return { rows, ops, passes, messages, names: new Map(compiles.map((compile) => [compile, compile.name.toLowerCase()])) };
  }

  function worded({ op, makes, attributes, standsFor, span }) {
    const named = attributes.map((pair) => pair.join("="));
    const dtype = `${makes} ${standsFor} ${attributes.filter(([name]) => name.includes("dtype")).map(([, value]) => value).join(" ")}`;
    return { op: op.toLowerCase(), dtype: dtype.toLowerCase(), span: span.toLowerCase(), all: [op, makes, standsFor, span, ...named].join(" ").toLowerCase() };
  }

  // Each op for as long as nothing about it changes: {compile, line, row, first, last, state}.
  function lives(compile, text) {
    const found = [];
    let open = new Map();
    for (const { number, step, lines, rows } of compile.modules) {
      const now = new Map();
      lines.forEach((line, at) => {
        const before = open.get(line);
        if (before && before.row === rows[at]) {
          before.last = number;
          now.set(line, before);
          return;
        }
        text(compile, rows[at]);
        const state = !number ? "" : before ? "changed" : "added";
        const life = { compile, line, row: rows[at], step, first: number, last: number, state };
        found.push(life);
        now.set(line, life);
      });
      open = now;
    }
    return found;
  }

  function find({ rows, ops, passes, messages, names }, terms) {
    if (!terms.length) return { ops: [], passes: [], messages: [] };
    const inside = terms.filter(({ key }) => key === "in");
    const rest = terms.filter(({ key }) => key !== "in");
    const chosen = new Set([...names.keys()].filter((compile) => inside.every(({ text }) => names.get(compile).includes(text))));
    const only = (...keys) => rest.every(({ key }) => key === "" || keys.includes(key));
    return {
      messages: only("message") ? messages.filter((one) => chosen.has(one.compile) && rest.every(({ text }) => one.text.includes(text))) : [],
      passes: only("pass", "is") ? passes.filter((one) => chosen.has(one.compile) && rest.every((term) => isPass(one, term))) : [],
      ops: only("op", "dtype", "span", "pass", "is", "message") ? findOps(rows, ops.filter((one) => chosen.has(one.compile)), rest) : [],
    };
  }

  function isPass({ step, name, stage }, { key, text }) {
    if (key === "is") return text === "changed" ? step.changed : text === "refused" ? step.failed : false;
    return name.includes(text) || (key === "" && stage.includes(text));
  }

  function findOps(rows, ops, terms) {
    const inRow = terms.filter(({ key }) => ["", "op", "dtype", "span"].includes(key));
    const fits = rows.map((row) => inRow.every(({ key, text }) => row[key || "all"].includes(text)));
    const behind = terms.filter(({ key }) => key === "pass");
    const states = terms.filter(({ key }) => key === "is").map(({ text }) => text);
    const whys = terms.filter(({ key }) => key === "message");
    const steps = behind.length ? stepsOf(ops, behind) : null;
    const found = [];
    for (const op of ops) {
      if (!fits[op.row] || !states.every((state) => isIn(op, state)) || !whys.every(({ text }) => says(op, text))) continue;
      const step = steps ? during(op, steps.get(op.compile)) : op.step;
      if (step !== null) found.push({ ...op, step });
    }
    return found;
  }

  // What a pass refused stands in the module that it was given: there it is looked for.
  function isIn({ compile, line, last, state }, wanted) {
    if (wanted !== "refused") return STATES.includes(wanted) && state === wanted;
    const note = compile.notes[line];
    return last === compile.modules.length - 1 && Boolean(note && (note.blame || note.fate === "rejected"));
  }

  function says({ compile, line }, text) {
    const note = compile.notes[line];
    return Boolean(note) && [note.why, note.blame].some((said) => said && said.toLowerCase().includes(text));
  }

  function stepsOf(ops, terms) {
    const compiles = new Set(ops.map(({ compile }) => compile));
    const named = (compile) => compile.steps.filter((step) => !step.lowered && terms.every(({ text }) => step.name.toLowerCase().includes(text)));
    return new Map([...compiles].map((compile) => [compile, named(compile).map(({ index }) => ({ index, number: (compile.module(index) || { number: -1 }).number }))]));
  }

  function during({ first, last }, steps) {
    const found = steps.find(({ number }) => first <= number && number <= last);
    return found ? found.index : null;
  }

  return { parse, index, find };
})();
