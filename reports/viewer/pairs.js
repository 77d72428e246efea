// Two compiles of one configuration as one, so that all that shows a compile shows both: each step
// is a pass of the compile before and its counterpart now, the module behind it is the one now, and
// is held against the one before. An op that only the compile before has, has a place below zero.
//
//   pairs.beside(old, new, data)     data: {name, key, pairs: [[old step, new step, differs, anew]], opens}
//   pair.steps                       as of a compile; and {was, is, hollow, mark, state}
//   pair.opening()                   [step, op] where they first differ
//   pair.told(step)                  what differs there, in words
//   pair.changes(old row, new row)   the same of an op: ["scale 0.0625 → 0.125"]
"use strict";
const pairs = (() => {
  const ONLY_OLD = "only before", ONLY_NEW = "only now";

  class Pair {
    constructor(old, fresh, { name, key, pairs, opens }) {
      Object.assign(this, { name, key, old, fresh, opens, outcome: fresh.outcome, dialect: fresh.dialect, notes: fresh.notes });
      const often = new Map();
      let [was, is] = [-1, -1];
      this.steps = pairs.map(([a, b, differs, anew], index) => {
        const one = step(a === null ? null : old.steps[a], b === null ? null : fresh.steps[b], differs, anew);
        often.set(one.name, (often.get(one.name) || 0) + 1);
        [was, is] = [a === null ? was : a, b === null ? is : b];
        return { ...one, index, ordinal: often.get(one.name), was, is };
      });
      this.refused = this._at(fresh.refused, "is");
      this.refusedBefore = this._at(old.refused, "was");
    }

    _at(refused, side) {
      const one = refused && this.steps.find((other) => other[side] === refused.step);
      return one ? { step: one.index, op: refused.op } : null;
    }

    module(step) {
      return this.fresh.module(this.steps[step].is);
    }

    against(step) {
      return this.old.module(this.steps[step].was);
    }

    row(number) {
      return this.fresh.row(number);
    }

    place(module, line) {
      return this.fresh.place(module, line);
    }

    parents(line) {
      return [...new Set([...this.fresh.parents(line), ...this.old.parents(line)])];
    }

    children(line) {
      return [...new Set([...this.fresh.children(line), ...this.old.children(line)])];
    }

    line(step, op) {
      const module = op !== null && op < 0 ? this.against(step) : this.module(step);
      const line = op === null || !module ? undefined : module.lines[op < 0 ? -1 - op : op];
      return line === undefined ? null : line;
    }

    op(step, line) {
      const [now, before] = [this.module(step), this.against(step)];
      const place = now ? this.place(now, line) : -1;
      if (place >= 0) return place;
      const old = before ? this.place(before, line) : -1;
      return old < 0 ? null : -1 - old;
    }

    opening() {
      const step = this.opens === null ? this.steps.length - 1 : this.opens;
      const first = differing(this, step)[0];
      return [step, first ? (first.place === null ? -1 - first.old : first.place) : null];
    }

    told(step) {
      const one = this.steps[step], now = this.module(step);
      const said = [ran(one), ended(this, step)].filter(Boolean);
      if (one.lowered) return [...said, functions(one)].join(" ");
      if (one.hollow) return [...said, `The same in both${now ? `: ${words.many(now.lines.length, "op")}` : ""}.`].join(" ");
      const found = differing(this, step);
      if (!found.length) return said.join(" ") || "The same ops in both.";
      const rest = found.length > 1 ? `; and ${(found.length - 1).toLocaleString("en")} more` : "";
      const inherited = one.changed || step === this.opens ? "" : " It changed nothing in either: the difference is from before.";
      return [...said, `${difference(this, step, found[0])}${rest}.${inherited}`].join(" ");
    }

    changes(old, fresh) {
      const facets = diff.differences(old, fresh);
      const own = facets.filter((facet) => facet !== "what it reads");
      return (own.length ? own : facets).map((facet) => spelt(facet, old, fresh)).filter(Boolean);
    }
  }

  function step(was, is, differs, anew) {
    const one = is || was;
    const only = was && is ? "" : was ? ONLY_OLD : ONLY_NEW;
    const changed = differs && anew && Boolean((was && was.changed) || (is && is.changed));
    return {
      ...one, changed, hollow: !differs, failed: Boolean((was && was.failed) || (is && is.failed)),
      fails: [Boolean(was && was.failed), Boolean(is && is.failed)], counts: [was ? was.count : 0, is ? is.count : 0],
      lowered: one.lowered, functions: apart(was ? was.functions : [], is ? is.functions : []), only,
      mark: only === ONLY_OLD ? "−" : only ? "+" : changed ? "≠" : "",
      state: only || (changed ? "differs" : differs ? "differs as before it" : "the same in both"),
    };
  }

  // Lowered functions that only one of them changed.
  function apart(old, fresh) {
    const key = (one) => [one.name, ...one.params].join();
    const without = (some, others, side) => {
      const known = new Set(others.map(key));
      return some.filter((one) => !known.has(key(one))).map((one) => ({ ...one, side }));
    };
    return [...without(old, fresh, ONLY_OLD), ...without(fresh, old, ONLY_NEW)];
  }

  // What differs, without what only reads another op, unless that is all.
  function differing(pair, step) {
    const rows = diff.of(pair, step).rows.filter((row) => row.kind !== "same");
    const own = rows.filter((row) => row.kind !== "rewired");
    return own.length ? own : rows;
  }

  function difference(pair, step, row) {
    const { now, before } = diff.of(pair, step);
    const old = row.old === null ? null : pair.row(before.rows[row.old]);
    const fresh = row.place === null ? null : pair.row(now.rows[row.place]);
    if (!old) return `${fresh.op} %${row.place} ${ONLY_NEW}`;
    if (!fresh) return `${old.op} %${row.old} ${ONLY_OLD}`;
    return `${fresh.op} %${row.place} ${pair.changes(old, fresh).join(", ")}`;
  }

  function spelt(facet, old, fresh) {
    const arrow = (a, b) => `${a || "nothing"} → ${b || "nothing"}`;
    if (facet === "operator") return arrow(old.op, fresh.op);
    if (facet === "dtype") return `dtype ${arrow(words.dtype(old.makes), words.dtype(fresh.makes))}`;
    if (facet === "shape") return `shape ${arrow(words.shape(old.makes), words.shape(fresh.makes))}`;
    if (facet === "type") return arrow(words.type(old.makes), words.type(fresh.makes));
    if (facet === "simulated dtype" || facet === "scale or clip") return stands(old.standsFor, fresh.standsFor, arrow);
    if (facet === "attributes") return attributes(new Map(old.attributes), new Map(fresh.attributes), arrow);
    if (facet === "constants") return `reads ${constants(constant(old), constant(fresh), arrow)}`;
    return "reads another op";
  }

  // Of "as int8 · [-127, 127] · 0.0625" what is not the same.
  function stands(old, fresh, arrow) {
    const [was, is] = [parts(old), parts(fresh)];
    return [...new Set([...was.keys(), ...is.keys()])].filter((name) => was.get(name) !== is.get(name))
      .map((name) => `${name} ${arrow(was.get(name), is.get(name))}`).join(", ");
  }

  function parts(text) {
    const name = (part) => (part.startsWith("as ") ? "as" : part.startsWith("[") ? "clip" : "scale");
    return new Map(text.split(" · ").filter(Boolean).map((part) => [name(part), part.replace(/^as /, "")]));
  }

  function attributes(old, fresh, arrow) {
    return [...new Set([...old.keys(), ...fresh.keys()])].filter((name) => old.get(name) !== fresh.get(name))
      .map((name) => `${name} ${arrow(old.get(name), fresh.get(name))}`).join(", ");
  }

  function constant(row) {
    return diff.reads(row).filter((read) => read.line === undefined).map((read) => words.type(read.text));
  }

  function constants(old, fresh, arrow) {
    if (old.length !== fresh.length) return arrow(old.join(", "), fresh.join(", "));
    const own = old.map((_, i) => i).filter((i) => old[i] !== fresh[i]);
    return arrow(own.map((i) => old[i]).join(", "), own.map((i) => fresh[i]).join(", "));
  }

  function ran({ only }) {
    return only === ONLY_OLD ? "This pass ran only before." : only ? "This pass runs only now." : "";
  }

  function ended(pair, step) {
    const [was, is] = pair.steps[step].fails;
    const at = (refused, module) => (refused && refused.step === step && module ? ` at %${refused.op} ${pair.row(module.rows[refused.op]).op}` : "");
    const before = was ? `it failed before${at(pair.refusedBefore, pair.against(step))}` : "";
    const now = is ? `it fails now${at(pair.refused, pair.module(step))}` : "";
    const said = [before, now].filter(Boolean).join(", and ");
    return said ? `${said[0].toUpperCase()}${said.slice(1)}${was !== is && !pair.steps[step].only ? `, and ${was ? "goes through now" : "went through before"}` : ""}.` : "";
  }

  function functions({ counts: [old, fresh], functions, hollow }) {
    if (hollow) return `It changed the same of ${words.many(fresh, "lowered function")} in both.`;
    const counted = old === fresh ? words.many(fresh, "lowered function") : `${old.toLocaleString("en")} → ${words.many(fresh, "lowered function")}`;
    return `It worked on ${counted}; ${functions.length.toLocaleString("en")} it is known to have changed in one compile alone.`;
  }

  return { beside: (old, fresh, data) => new Pair(old, fresh, data) };
})();
