// The data flow of a module beside its listing, as `git log --graph` draws it: each value that is
// still to be read runs down a lane. Eight lanes at most; what has none is a "…".
//
//   rails.of(compile, module)              [{lane, ins, through, before, after, more}], one an op
//   rails.width(rows)                      px
//   rails.op(rail, height, width, kind)    the picture of an op's row
//   rails.between(lanes, height, width, dashed)    lanes that only pass
"use strict";
const rails = (() => {
  const LANES = 8, STEP = 11, EDGE = 8;
  const x = (lane) => EDGE + lane * STEP;

  function of(compile, module) {
    if (!module.rails) module.rails = drawn(module.rows.map((number) =>
      diff.reads(compile.row(number)).filter((read) => read.line !== undefined).map((read) => compile.place(module, read.line))));
    return module.rails;
  }

  // `reads` has, for each op, the places of those that it reads.
  function drawn(reads) {
    const last = new Array(reads.length).fill(-1);
    reads.forEach((places, place) => {
      for (const read of places) if (read >= 0) last[read] = Math.max(last[read], place);
    });
    const lanes = new Array(LANES).fill(-1), lane = [];
    return reads.map((places, place) => {
      const mine = [...new Set(places)].filter((read) => read >= 0 && read < place);
      const ins = mine.map((read) => lane[read]).filter((one) => one >= 0);
      const before = taken(lanes);
      for (const read of mine) if (lane[read] >= 0 && last[read] <= place) lanes[lane[read]] = -1;
      const free = [...ins.filter((one) => lanes[one] < 0), lanes.indexOf(-1)][0];
      const through = taken(lanes);
      lane[place] = free;
      if (free >= 0 && last[place] > place) lanes[free] = place;
      return { lane: free, ins, through, before, after: taken(lanes), more: free < 0 || ins.length < mine.length };
    });
  }

  function taken(lanes) {
    return lanes.map((value, lane) => (value < 0 ? -1 : lane)).filter((lane) => lane >= 0);
  }

  function width(rows) {
    let most = 0;
    for (const row of rows) most = Math.max(most, row.more ? LANES : 0, row.lane, ...row.before, ...row.after);
    return x(most) + EDGE;
  }

  function op(rail, height, wide, kind) {
    const middle = height / 2, node = rail.lane < 0 ? LANES : rail.lane;
    const paths = rail.through.map((lane) => `M${x(lane)} 0V${height}`);
    for (const lane of rail.ins)
      paths.push(lane === node ? `M${x(lane)} 0V${middle}` : `M${x(lane)} 0C${x(lane)} ${middle} ${x(node)} 0 ${x(node)} ${middle}`);
    if (rail.after.includes(node)) paths.push(`M${x(node)} ${middle}V${height}`);
    const dot = rail.lane < 0
      ? dom.svg("text", { x: x(node) - 4, y: middle + 3 }, "…")
      : dom.svg("circle", { cx: x(node), cy: middle, r: 3.6 });
    return picture(height, wide, kind, dom.svg("path", { d: paths.join("") }), dot, rail.more && rail.lane >= 0 ? dom.svg("text", { x: x(LANES) - 4, y: middle + 3 }, "…") : null);
  }

  function between(lanes, height, wide, dashed) {
    return picture(height, wide, dashed ? "dashed" : "passing", dom.svg("path", { d: lanes.map((lane) => `M${x(lane)} 0V${height}`).join("") }));
  }

  function picture(height, wide, kind, ...parts) {
    return dom.svg("svg", { class: `v-rail ${kind}`, width: wide, height, viewBox: `0 0 ${wide} ${height}`, "aria-hidden": "true" }, ...parts);
  }

  return { of, width, op, between, drawn };
})();
