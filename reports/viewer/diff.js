// What a step did to the module: each op of it as same, added, removed, changed or rewired.
//
//   diff.of(compile, step)       {now, before, rows: [{kind, place, old, line, behind}], counts, facets}
//                                place is null of what was removed, old of what was added; behind
//                                is the line that something removed stood behind, -1 in front;
//                                before is null where the step changed nothing
//   diff.reads(row)              what an op reads: [{line, part} | {text}]
//   diff.differences(old, new)   in which respects two rows differ: [name]
//   diff.sentence(compile, step) what the step did, in words
"use strict";
const diff = (() => {
  const known = new WeakMap();

  function of(compile, step) {
    if (!known.has(compile)) known.set(compile, new Map());
    const steps = known.get(compile);
    if (!steps.has(step)) steps.set(step, compared(compile, step));
    return steps.get(step);
  }

  function compared(compile, step) {
    const now = compile.module(step);
    const before = compile.against(step);
    const result = { now, before, rows: [], counts: { same: 0, added: 0, removed: 0, changed: 0, rewired: 0 }, facets: new Map() };
    if (!now) return result;
    const gone = before ? removed(compile, before, now) : new Map();
    const add = (row) => {
      result.rows.push(row);
      result.counts[row.kind] += 1;
    };
    for (const row of gone.get(-1) || []) add(row);
    now.lines.forEach((line, place) => {
      const old = before ? compile.place(before, line) : place;
      add({ kind: kind(compile, result, place, old), place, old: old < 0 ? null : old, line });
      for (const row of gone.get(line) || []) add(row);
    });
    return result;
  }

  // What is gone, by the line behind which it stood, of those that are still there; -1 in front.
  function removed(compile, before, now) {
    const gone = new Map();
    let behind = -1;
    before.lines.forEach((line, old) => {
      if (compile.place(now, line) >= 0) {
        behind = line;
        return;
      }
      if (!gone.has(behind)) gone.set(behind, []);
      gone.get(behind).push({ kind: "removed", place: null, old, line, behind });
    });
    return gone;
  }

  function kind(compile, { now, before, facets }, place, old) {
    if (old < 0) return "added";
    if (!before || before.rows[old] === now.rows[place]) return "same";
    const changed = differences(compile.row(before.rows[old]), compile.row(now.rows[place]));
    for (const facet of changed) facets.set(facet, (facets.get(facet) || 0) + 1);
    if (changed.some((facet) => facet !== WIRES)) return "changed";
    return changed.length ? "rewired" : "same";
  }

  const WIRES = "what it reads";

  // In which respects two rows differ.
  function differences(old, fresh) {
    const found = [];
    if (old.op !== fresh.op) found.push("operator");
    if (words.dtype(old.makes) !== words.dtype(fresh.makes)) found.push("dtype");
    if (words.shape(old.makes) !== words.shape(fresh.makes)) found.push("shape");
    if (old.makes !== fresh.makes && !found.includes("dtype") && !found.includes("shape")) found.push("type");
    if (old.standsFor !== fresh.standsFor)
      found.push(words.dtype(old.standsFor) === words.dtype(fresh.standsFor) ? "scale or clip" : "simulated dtype");
    if (JSON.stringify(old.attributes) !== JSON.stringify(fresh.attributes)) found.push("attributes");
    const [constants, wires] = [(one) => one.text, (one) => one.line !== undefined];
    const [mine, theirs] = [reads(old), reads(fresh)];
    if (spelt(mine.filter(constants)) !== spelt(theirs.filter(constants)) && !found.includes("scale or clip")) found.push("constants");
    if (spelt(mine.filter(wires)) !== spelt(theirs.filter(wires))) found.push(WIRES);
    return found;
  }

  function spelt(reads) {
    return JSON.stringify(reads);
  }

  function reads(row) {
    return row.reads.map((read) => {
      if (typeof read === "number") return { line: read };
      const part = /^%(\d+)\.(\d+)$/.exec(read);
      return part ? { line: Number(part[1]), part: Number(part[2]) } : { text: read };
    });
  }

  function sentence(compile, step) {
    const known = of(compile, step);
    known.sentence ||= compile.told ? compile.told(step) : told(compile, step, known.now);
    return known.sentence;
  }

  function told(compile, step, now) {
    const at = refused(compile, step, now);
    if (compile.steps[step].failed) return `${now ? "Was given this module" : "No module of it is on record"}; ${compile.outcome}${at}.`;
    return effect(compile, step) + (at ? ` What it left behind was ${compile.outcome} later,${at}.` : "");
  }

  function effect(compile, step) {
    const { now, before, counts, facets } = of(compile, step);
    const { changed, lowered, functions, count } = compile.steps[step];
    if (lowered && changed && !functions.length) return `It changed something of ${words.many(count, "lowered function")}; which of them is not on record.`;
    if (lowered) return `Of ${words.many(count, "lowered function")} it changed ${changed ? functions.length : "none"}.`;
    if (!now) return "There is no module on record yet.";
    if (!before) return changed && now.step === step ? `${words.many(ops(compile, now), "op")}; made: ${listed(dtypes(compile, now))}.` : "It changed nothing.";
    const said = [];
    const { added, removed } = counts;
    if (added || removed)
      said.push(`${ops(compile, before).toLocaleString("en")} → ${words.many(ops(compile, now), "op")} (${[added && `${added.toLocaleString("en")} added`, removed && `${removed.toLocaleString("en")} removed`].filter(Boolean).join(", ")})`);
    for (const [facet, often] of [...facets].sort((a, b) => b[1] - a[1]))
      if (facet !== WIRES) said.push(`${words.many(often, "op")} changed ${facet}`);
    if (counts.rewired) said.push(`${words.many(counts.rewired, "op")} only read${counts.rewired === 1 ? "s" : ""} from another`);
    if (!added && !removed) said.push("nothing added or removed");
    const [old, fresh] = [dtypes(compile, before), dtypes(compile, now)];
    if ([...old.keys()].sort().join() !== [...fresh.keys()].sort().join()) said.push(`made before: ${listed(old)}; now: ${listed(fresh)}`);
    return said.join("; ") + ".";
  }

  function refused(compile, step, now) {
    const at = compile.refused && compile.refused.step === step && now ? now.rows[compile.refused.op] : undefined;
    return at === undefined ? "" : ` at %${compile.refused.op} ${compile.row(at).op}`;
  }

  // How many there are, without what only hands their results back.
  function ops(compile, module) {
    return module.rows.filter((number) => compile.row(number).op !== "result").length;
  }

  // How many ops make each dtype.
  function dtypes(compile, module) {
    const often = new Map();
    for (const number of module.rows) {
      const dtype = words.dtype(compile.row(number).makes);
      if (dtype !== "?") often.set(dtype, (often.get(dtype) || 0) + 1);
    }
    return often;
  }

  function listed(often) {
    return [...often].sort((a, b) => b[1] - a[1]).map(([dtype, count]) => `${dtype} ×${count.toLocaleString("en")}`).join(", ");
  }

  return { of, reads, differences, sentence };
})();
