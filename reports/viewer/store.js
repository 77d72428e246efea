// What was recorded of each compile, as reports/views/steps.py writes it: unpacked when it is asked
// for, a module when its step is.
//
//   store.load()             a promise of the compiles: [Compile]
//   store.texts()            a promise of what reports/views/module_texts.py writes, or of null
//   compile.steps            {index, name, ordinal, stage, ms, changed, failed, lowered, count, functions}
//   compile.module(step)     the ops behind a step: {step, lines: [line], rows: [number]}
//   compile.against(step)    the module that it is held against, null where there is none
//   compile.line(step, op)   the line of the op at a place there, compile.op(step, line) the reverse; or null
//   compile.row(number)      {op, makes, reads, attributes, standsFor, span}
//   compile.parents(line), compile.children(line), compile.life(line)
"use strict";
const store = (() => {
  const CHANGED = 1, FAILED = 2, LOWERED = 4, TAKEN = 8;

  class Compile {
    constructor(data, rows, functions) {
      Object.assign(this, { name: data.name, key: data.key, outcome: data.outcome, message: data.message, dialect: data.dialect });
      this.refused = data.refused && { step: data.refused[0], op: data.refused[1] };
      this.notes = data.notes;
      const often = new Map();
      this.steps = data.steps.map(([name, stage, ms, flags, count, changed], index) => {
        const ordinal = (often.get(name) || 0) + 1;
        often.set(name, ordinal);
        return {
          index, name, ordinal, stage, ms, count,
          changed: Boolean(flags & CHANGED), failed: Boolean(flags & FAILED), lowered: Boolean(flags & LOWERED), kept: Boolean(flags & TAKEN),
          functions: changed.map((number) => ({ name: functions[number][0], params: functions[number].slice(1) })),
        };
      });
      this.born = new Map(Object.entries(data.born).map(([line, from]) => [Number(line), from]));
      this._rows = rows;
      this._edits = data.modules;
      this._modules = [];
    }

    // The module as it is behind a step: the newest of those that are written down. null before.
    module(step) {
      let number = -1;
      while (number + 1 < this._edits.length && this._edits[number + 1][0] <= step) number += 1;
      return number < 0 ? null : this._unpacked(number);
    }

    // The one that it was before that step changed it; null of the first.
    before(step) {
      const now = this.module(step);
      return now && now.number > 0 ? this._unpacked(now.number - 1) : null;
    }

    against(step) {
      const now = this.module(step);
      return now && now.step === step ? this.before(step) : null;
    }

    line(step, op) {
      const now = this.module(step);
      return op === null || !now || now.lines[op] === undefined ? null : now.lines[op];
    }

    op(step, line) {
      const now = this.module(step), place = now ? this.place(now, line) : -1;
      return place < 0 ? null : place;
    }

    get modules() {
      return this._edits.map((_, number) => this._unpacked(number));
    }

    row(number) {
      const [op, makes, reads, attributes, standsFor, span] = this._rows[number];
      return { op, makes, reads, attributes, standsFor, span };
    }

    parents(line) {
      return this.born.get(line) || [];
    }

    children(line) {
      if (!this._children) {
        this._children = new Map();
        for (const [child, from] of this.born)
          for (const parent of from)
            this._children.set(parent, [...(this._children.get(parent) || []), child]);
      }
      return this._children.get(line) || [];
    }

    // Where a line stands in a module; -1 where it does not.
    place(module, line) {
      if (!module.places) module.places = new Map(module.lines.map((other, place) => [other, place]));
      const place = module.places.get(line);
      return place === undefined ? -1 : place;
    }

    // The ops that a line was, or became, in each module that differs: [{step, line, place, row}].
    life(line) {
      const before = reach(line, (one) => this.parents(one));
      const after = reach(line, (one) => this.children(one));
      const family = new Set([...before, ...after]);
      const found = [];
      for (const module of this.modules)
        module.lines.forEach((other, place) => {
          if (family.has(other)) found.push({ step: module.step, line: other, place, row: module.rows[place] });
        });
      return found;
    }

    _unpacked(number) {
      for (let at = this._modules.length; at <= number; at += 1) {
        const [step, edits] = this._edits[at];
        const old = at ? this._modules[at - 1] : { lines: [], rows: [] };
        const lines = [], rows = [];
        let place = 0;
        for (const edit of edits) {
          if (typeof edit !== "number") {
            for (let i = 0; i < edit.length; i += 2) lines.push(edit[i]), rows.push(edit[i + 1]);
          } else if (edit < 0) {
            place -= edit;
          } else {
            for (const end = place + edit; place < end; place += 1) lines.push(old.lines[place]), rows.push(old.rows[place]);
          }
        }
        this._modules.push({ number: at, step, lines, rows });
      }
      return this._modules[number];
    }
  }

  function reach(start, next) {
    const seen = new Set([start]);
    for (const one of seen) for (const other of next(one)) seen.add(other);
    return seen;
  }

  async function inflate(text) {
    const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  async function unpack(text) {
    const { rows, functions, compiles, beside } = await inflate(text);
    const all = compiles.map((data) => new Compile(data, rows, functions));
    return beside.length ? beside.map((data) => pairs.beside(all[data.old], all[data.new], data)) : all;
  }

  let loaded, written;
  return {
    load() {
      const element = document.getElementById("steps");
      loaded ||= element ? unpack(element.textContent) : Promise.resolve([]);
      return loaded;
    },
    texts() {
      const element = document.getElementById("texts");
      written ||= element ? inflate(element.textContent) : Promise.resolve(null);
      return written;
    },
  };
})();
