// Which op of another compile is the same one. Compiles of one model have the same lines for as long as
// their modules have the same ops that read each other; behind that, an op is what it came from.
//
//   family.elsewhere(compile, step, place, other)   {step, place, line, row, of} of the other compile, or
//                                                   null; of: so many stand there for the same op
"use strict";
const family = (() => {
  // The lines that mean the same in both: of the modules that both began with, op by op. Of the
  // first all must be the same but where it is written, of the others what reads what.
  const shared = new WeakMap();
  function common(compile, other) {
    if (!shared.has(compile)) shared.set(compile, new Map());
    const known = shared.get(compile);
    if (!known.has(other)) {
      const found = new Set();
      for (const [at, here] of compile.modules.entries()) {
        const there = other.modules[at];
        if (!there || !alike(compile, here, other, there, at === 0)) break;
        for (const line of here.lines) found.add(line);
      }
      known.set(other, found);
    }
    return known.get(other);
  }

  function alike(compile, here, other, there, exactly) {
    if (compile.steps[here.step].name !== other.steps[there.step].name || here.lines.length !== there.lines.length) return false;
    return here.lines.every((line, at) => {
      if (line !== there.lines[at]) return false;
      if (here.rows[at] === there.rows[at]) return true;
      const [ours, theirs] = [compile.row(here.rows[at]), other.row(there.rows[at])];
      const kept = (row) => JSON.stringify(exactly ? [row.makes, row.reads] : row.reads.filter((read) => typeof read === "number"));
      return ours.op === theirs.op && kept(ours) === kept(theirs);
    });
  }

  // The nearest of these lines that one is, or stands in for.
  const rooted = new WeakMap();
  function roots(compile, line, among) {
    if (!rooted.has(compile)) rooted.set(compile, new Map());
    if (!rooted.get(compile).has(among)) rooted.get(compile).set(among, new Map());
    const known = rooted.get(compile).get(among);
    if (!known.has(line)) {
      const seen = new Set([line]), found = new Set();
      for (const one of seen) {
        if (among.has(one)) found.add(one);
        else for (const parent of compile.parents(one)) seen.add(parent);
      }
      known.set(line, found);
    }
    return known.get(line);
  }

  // The step of that name, or the last one that the other compile came to before it would be.
  function counterpart(compile, step, other) {
    const { name, ordinal, stage } = compile.steps[step];
    const same = other.steps.find((one) => one.name === name && one.ordinal === ordinal);
    if (same) return same.index;
    const stages = new Set(compile.steps.slice(0, step + 1).map((one) => one.stage));
    const upTo = other.steps.filter((one) => stages.has(one.stage) && (one.stage === stage || !one.lowered));
    return upTo.length ? upTo[upTo.length - 1].index : 0;
  }

  function elsewhere(compile, step, place, other) {
    const now = compile.module(step);
    if (!now) return null;
    const line = now.lines[place], op = compile.row(now.rows[place]).op;
    const among = common(compile, other), wanted = roots(compile, line, among);
    if (!wanted.size) return null;
    for (let at = counterpart(compile, step, other); at >= 0; at = (other.module(at) || { step: 0 }).step - 1) {
      const found = best(other, other.module(at), wanted, op, among);
      if (found) return { step: at, ...found };
    }
    return null;
  }

  // Of the ops that stand in for one of those lines: called the same, then most in common.
  function best(other, module, wanted, op, among) {
    let found = null, most = 0, of = 0;
    if (module)
      module.lines.forEach((line, place) => {
        const theirs = roots(other, line, among);
        const common = [...theirs].filter((root) => wanted.has(root)).length;
        if (!common) return;
        of += 1;
        const score = common / (theirs.size + wanted.size - common) + (other.row(module.rows[place]).op === op ? 1 : 0);
        if (score > most) [most, found] = [score, { place, line, row: module.rows[place] }];
      });
    return found && { ...found, of };
  }

  return { elsewhere };
})();
