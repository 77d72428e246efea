"""The whole model in few enough nodes to be read.

What computes on constants alone is dropped, chains of elementwise ops become one node, and a model
still too large keeps only the ops that a person recognises.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tvmq_diag.trace.ops import ELEMENTWISE, Vocabulary
from tvmq_diag.trace.snapshot import Node, Snapshot

LIMIT = 800
"""Nodes in a picture: beyond it nobody sees anything, and Graphviz takes seconds."""

_NEAREST = 6
"""How many nearest anchors an op may hang on once only anchors are drawn; keeps it linear."""


@dataclass
class Group:
    """Ops drawn as one node, in order, and the groups (by position) it reads.

    `last` is the row whose result leaves the group; `rejected` the op that ended the compile.
    """

    ops: list[Node]
    last: Node
    sources: list[int] = field(default_factory=list)
    rejected: bool = False


@dataclass
class Condensed:
    """A model as groups, producers first.

    `total` counts its operator calls, also those in no group; `note` says if groups were left out.
    """

    groups: list[Group]
    total: int
    note: str | None = None


class Flow:
    """Which data reaches which call, seen through tuples and fused functions.

    `sources[row]` are the calls and model inputs that the row's value comes from.
    """

    def __init__(self, snapshot: Snapshot, rejected: int | None, marked: Iterable[int]) -> None:
        self.snapshot = snapshot
        self.nodes = snapshot.nodes
        self.inside, self._body = _bodies(snapshot)
        self.rejected = None if rejected is None else self.inside.get(rejected, rejected)
        self.marked = {self.inside.get(row, row) for row in (*marked, rejected) if row is not None}
        self.live = [False] * len(self.nodes)
        self.sources: list[tuple[int, ...]] = [()] * len(self.nodes)
        for node in self.nodes:
            self._visit(node)

    def _visit(self, node: Node) -> None:
        inputs = self._used(node)
        reached = dict.fromkeys(s for i in inputs if i < node.number for s in self.sources[i])
        if node.kind == "var":
            self.live[node.number] = node.number not in self.inside
            self.sources[node.number] = (node.number,) if self.live[node.number] else ()
        elif node.kind == "call" and node.number not in self.inside:
            self.live[node.number] = bool(reached) or node.number in self.marked
            self.sources[node.number] = (node.number,) if self.live[node.number] else ()
        elif node.kind != "function":
            self.sources[node.number] = tuple(reached)

    def inputs(self, call: Node) -> list[int]:
        """The calls and model inputs this call reads."""
        return list(dict.fromkeys(s for i in self._used(call) for s in self.sources[i]))

    def _used(self, node: Node) -> tuple[int, ...]:
        """The rows it computes with; the numbers that a quantization step is set to are none."""
        return node.inputs[:1] if self.snapshot.vocabulary.is_step(node.op) else node.inputs

    def body(self, call: Node) -> list[Node]:
        """The ops of the fused function it calls; of an operator call itself."""
        return self._body.get(call.number) or [call]


def _bodies(snapshot: Snapshot) -> tuple[dict[int, int], dict[int, list[Node]]]:
    """Row inside a fused function → row of its call; and that call → the ops inside."""
    inside: dict[int, int] = {}
    body: dict[int, list[Node]] = {}
    for call in snapshot.nodes:
        if call.callee is None:
            continue
        stack = list(snapshot.nodes[call.callee].inputs)
        rows = []
        while stack:
            row = stack.pop()
            if row not in inside:
                inside[row] = call.number
                rows.append(row)
                stack.extend(snapshot.nodes[row].inputs)
        body[call.number] = [n for n in map(snapshot.nodes.__getitem__, sorted(rows)) if n.op]
    return inside, body


def condense(snapshot: Snapshot, rejected: int | None, marked: Iterable[int] = ()) -> Condensed:
    """The model as at most LIMIT groups, the rejected op in one of its own.

    `marked` rows are drawn whatever they compute on, while the limit allows.
    """
    flow = Flow(snapshot, rejected, marked)
    calls = [node for node in snapshot.nodes if flow.live[node.number]]
    groups = _chains(flow, calls)
    note = None
    if len(groups) > LIMIT:
        groups = _anchors_only(groups, flow.marked, snapshot.vocabulary)
        note = "too large to draw whole: only the ops one recognises from the model"
    if len(groups) > LIMIT:
        note = f"too large to draw whole: {LIMIT} of {len(groups)} of its main ops"
        groups = _window(groups)
    return Condensed(groups, len(snapshot.calls), note)


def _chains(flow: Flow, calls: list[Node]) -> list[Group]:
    readers: dict[int, int] = {}
    for call in calls:
        for source in flow.inputs(call) if call.kind == "call" else ():
            readers[source] = readers.get(source, 0) + 1
    groups: list[Group] = []
    place: dict[int, int] = {}
    for call in calls:
        sources = flow.inputs(call) if call.kind == "call" else []
        rejected = call.number == flow.rejected
        above = groups[place[sources[0]]] if len(sources) == 1 else None
        joins = (
            above is not None
            and not rejected
            and not above.rejected
            and readers[sources[0]] == 1
            and _light(call, flow.snapshot.vocabulary)
            and _light(above.last, flow.snapshot.vocabulary)
        )
        if joins and above is not None:
            above.ops.append(call)
            above.last = call
            place[call.number] = place[sources[0]]
            continue
        place[call.number] = len(groups)
        here = list(dict.fromkeys(place[source] for source in sources))
        groups.append(Group(flow.body(call), call, here, rejected))
    return groups


def _light(node: Node, vocabulary: Vocabulary) -> bool:
    """Is it a call that computes each value from those at the same place?"""
    kind = vocabulary.anchor_kind(node.op)
    return node.kind == "call" and node.callee is None and kind in (None, *ELEMENTWISE)


def _anchors_only(groups: list[Group], marked: set[int], vocabulary: Vocabulary) -> list[Group]:
    kept: list[Group] = []
    nearest: list[tuple[int, ...]] = []
    for group in groups:
        reached = dict.fromkeys(near for source in group.sources for near in nearest[source])
        sources = list(reached)[:_NEAREST]
        kinds = {vocabulary.anchor_kind(op.op) for op in group.ops}
        told = any(row in marked for row in (group.last.number, *(op.number for op in group.ops)))
        if told or kinds - {None} or group.last.kind == "var":
            nearest.append((len(kept),))
            kept.append(replace(group, sources=sources))
        else:
            nearest.append(tuple(sources))
    return kept


def _window(groups: list[Group]) -> list[Group]:
    """The groups around the rejected one, or the first."""
    centre = next((i for i, group in enumerate(groups) if group.rejected), 0)
    start = max(0, min(centre - LIMIT // 2, len(groups) - LIMIT))
    shown = range(start, min(len(groups), start + LIMIT))
    return [
        replace(groups[i], sources=[s - start for s in groups[i].sources if s in shown])
        for i in shown
    ]
