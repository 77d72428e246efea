"""What passes made of the ops around one: two modules in one layout, so that nothing moves.

An op of both is one node; what is in one of them alone has a minus (before) or a plus (after),
and `~` is what both have and say differently. The viewer shows one side or the other
(viewer/graph_sides.js).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import networkx as nx

from tvmq_diag.trace.snapshot import Node, Snapshot

from ..formatting import dtype_family
from . import svg
from .graph import REJECTED, Key, Picture, described, places, tip
from .near import grow, neighbourhood, operands, readers

_INSERTED = 12
"""So many steps what was inserted, or removed, is followed: casts stand in long rows."""

MARKS = {"was": "\N{MINUS SIGN}", "now": "+", "both": "~"}


Orders = tuple[dict[int, int], dict[int, int]]
"""Which op in running order each row is, of the first module and the second."""


@dataclass(frozen=True)
class Sides:
    """Two modules, what each is called, and which row of the first is which of the second."""

    before: Snapshot
    after: Snapshot
    pairs: Mapping[int, int]
    was: str = "before"
    now: str = "after"


def around(
    sides: Sides, row: int, of_after: bool, prefix: str, title: str, rejected: bool = False
) -> Picture | None:
    """The ops around a row of the second module, or of the first, as both modules have them.

    None where they are the same in both. `rejected`: the second was, at that row.
    """
    pairs = {**sides.pairs, **_inputs(sides)}
    back = {new: old for old, new in pairs.items()}
    if of_after:
        after = neighbourhood(sides.after, row, 3, 2)
        before = _beside(sides.before, {back[at] for at in after if at in back}, pairs)
    else:
        before = neighbourhood(sides.before, row, 3, 2)
        after = _beside(sides.after, {pairs[at] for at in before if at in pairs}, back)
    before |= {back[at] for at in after if at in back}
    after |= {pairs[at] for at in before if at in pairs}
    graph = nx.DiGraph()
    order = places(sides.before), places(sides.after)
    for at in sorted(after):
        _add(graph, sides, back.get(at), at, order, rejected and at == row)
    for at in sorted(before):
        if at not in pairs:
            _add(graph, sides, at, None, order)
    names = {at: f"n{pairs[at]}" if at in pairs else f"o{at}" for at in before}
    old = _edges(sides.before, names)
    new = _edges(sides.after, {at: f"n{at}" for at in after})
    for edge in sorted(old | new):
        side = {"class": "was"} if edge not in new else {"class": "now"} if edge not in old else {}
        graph.add_edge(*edge, **side)
    looks = [str(data.get("class", "")).split() for _, data in graph.nodes(data=True)]
    if not any(side in look for look in looks for side in MARKS):
        return None
    drawn = svg.draw(graph, prefix, title)
    said = {"was": f"only {sides.was}", "now": f"only {sides.now}", "both": "differs"}
    found = [side for side in MARKS if any(side in look for look in looks)]
    keys = [Key(f"side {side}", MARKS[side], said[side]) for side in found]
    return Picture(drawn, None if drawn else "Graphviz could not draw it", tuple(keys))


def _beside(snapshot: Snapshot, known: set[int], paired: Mapping[int, int]) -> set[int]:
    """Those rows, and what stands between and beside them that the other module has not."""
    read_by = readers(snapshot)
    near = set(known)

    def above(at: int) -> list[int]:
        return [i for i in operands(snapshot, snapshot.nodes[at]) if i not in paired]

    def below(at: int) -> list[int]:
        return [i for i in read_by.get(at, []) if i not in paired]

    grow(near, known, _INSERTED, above)
    grow(near, known, _INSERTED, below)
    return near


def _add(
    graph: nx.DiGraph,
    sides: Sides,
    old: int | None,
    new: int | None,
    order: Orders,
    rejected: bool = False,
) -> None:
    was = None if old is None else sides.before.nodes[old]
    now = None if new is None else sides.after.nodes[new]
    node = now or was
    assert node is not None
    side = "now" if was is None else "was" if now is None else "both"
    before = [] if was is None else described(sides.before, was)
    lines = before if now is None else described(sides.after, now)
    data = _data(was, now, order)
    if side == "both":
        side = "" if before == lines else side
    lines = [f"{MARKS[side]} {lines[0]}", *lines[1:]] if side else lines
    before = [f"{MARKS[side]} {before[0]}", *before[1:]] if side == "both" else before
    if rejected:
        lines, before = [REJECTED, *lines], ["", *before]
    if was is not None and now is not None and before != lines:
        data["was"] = "\n".join(before)
    look = f"d-{dtype_family(node.dtype)}"
    graph.add_node(
        f"o{old}" if now is None else f"n{new}",
        label=svg.label(lines),
        tip=tip(sides.after if now is not None else sides.before, node),
        shape="octagon" if rejected else "ellipse" if node.kind == "var" else "box",
        peripheries=2 if rejected else 1,
        data=data,
        **{"class": " ".join(filter(None, (look, side, "rejected" if rejected else "")))},
    )


def _data(was: Node | None, now: Node | None, order: Orders) -> dict[str, str]:
    data = {"dtype": dtype_family((now or was or Node()).dtype)}
    if was is not None and now is not None and dtype_family(was.dtype) != data["dtype"]:
        data["dtype-was"] = dtype_family(was.dtype)
    for name, node, place in (("ops-was", was, order[0]), ("ops", now, order[1])):
        if node is not None and node.number in place:
            data[name] = str(place[node.number])
    return data


def _edges(snapshot: Snapshot, names: Mapping[int, str]) -> set[tuple[str, str]]:
    return {
        (names[source], name)
        for at, name in names.items()
        for source in operands(snapshot, snapshot.nodes[at])
        if source in names
    }


def _inputs(sides: Sides) -> dict[int, int]:
    """Inputs of the model are the same where they are called the same."""
    named = {node.name: node.number for node in sides.after.nodes if node.kind == "var"}
    ours = (node for node in sides.before.nodes if node.kind == "var")
    return {node.number: named[node.name] for node in ours if node.name and node.name in named}
