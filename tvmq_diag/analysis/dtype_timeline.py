"""The dtypes of the ops that a person recognises from the model (anchors), stage by stage.

Relay names no ops and its passes rebuild the whole graph. So the anchors of two modules are paired
by kind and order, which passes keep: by the longest common subsequence of their kinds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from rapidfuzz.distance import Indel

from ..trace.graph import RESULT, Graph, Op
from ..trace.ops import Vocabulary, short
from ..trace.simulated import Simulated, simulated
from ..trace.snapshot import Node, Snapshot, is_integer
from ..trace.stages import STAGES
from ..trace.trace import Trace
from . import crossings

GraphOf = Callable[[Snapshot], Graph | None]


@dataclass(frozen=True)
class AnchorCell:
    """An anchor op at the end of a stage: what it reads and what it makes."""

    node: int
    """Its row in the op table of the stage's last module."""
    op: str
    inputs: tuple[str, ...]
    """Dtypes of its inputs in order."""
    output: str
    """Dtype of its result."""
    shape: str
    """Its result as `int8[1,64,56,56]`."""
    stands_for: tuple[Simulated, ...] = ()
    """What the values that it reads are simulated as, between annotate and realize."""
    cast_from: str | None = None
    """In which dtype the model made what it reads, where that is cast before."""
    back_to: str | None = None
    """The float that its integers are cast to before the next op that one knows reads them."""


@dataclass
class AnchorRow:
    """An anchor op of the model, and what it was in each stage; a missing stage had no such op.

    `rejected`: the compile failed at it.
    """

    label: str
    kind: str
    span: str | None
    cells: dict[str, AnchorCell] = field(default_factory=dict)
    rejected: bool = False


@dataclass
class Timeline:
    """Anchor ops in running order, and the stages in which there is any of them.

    `rejected_stage` is the stage that the compile failed in; None where it failed in none. The
    rejected row has a cell there, of what the op was given, even where `stages` has it not.
    """

    rows: list[AnchorRow]
    stages: list[str]
    rejected_stage: str | None = None
    modules: dict[str, int] = field(default_factory=dict)
    """The snapshot that each stage's cells are of."""


def timeline(trace: Trace, graphs: GraphOf | None = None) -> Timeline:
    """The dtype timeline of a trace; without rows where no module was recorded.

    Rows are the anchors of the last module before realize, which adds some of its own, and the
    rejected op, if there is one: that always has a row. Cells are of each stage's last module.
    `graphs` gives the graphs of modules where somebody has them already.
    """
    cells = _Cells(trace, graphs or _graph)
    columns = _columns(trace)
    if not columns:
        return Timeline([], [])
    stages = list(columns)
    early = [stage for stage in stages if STAGES.index(stage) <= STAGES.index("calibrate")]
    base = early[-1] if early else stages[0]
    anchors = anchors_of(columns[base])
    vocabulary = trace.vocabulary
    rows = [
        AnchorRow(f"#{i} {node.op}", _kind(node, vocabulary), node.span)
        for i, node in enumerate(anchors)
    ]
    _spread(rows, anchors, [base], columns, cells)
    _spread(rows, anchors, stages[: stages.index(base)][::-1], columns, cells)
    latest = _spread(rows, anchors, stages[stages.index(base) + 1 :], columns, cells)
    stopped = _mark_rejected(trace, rows, latest, columns, cells)
    modules = {stage: snapshot.number for stage, snapshot in columns.items()}
    failing = trace.failing_snapshot()
    if stopped is not None and failing is not None:
        modules.setdefault(stopped, failing.number)
    return Timeline(rows, stages, stopped, modules)


def anchors_of(snapshot: Snapshot) -> list[Node]:
    """The anchor ops of a module in running order. A rescaling is none: realize writes those."""
    kind = snapshot.vocabulary.anchor_kind
    return [
        call
        for call in snapshot.executed()
        if kind(call.op) is not None and not snapshot.rescales(call)
    ]


def _columns(trace: Trace) -> dict[str, Snapshot]:
    """The module of each stage that has anchors: its last one; the model itself for import."""
    columns = {}
    imported = trace.imported()
    if imported is not None:
        columns["import"] = imported
    for stage in STAGES[1:]:
        snapshot = next((m for m in trace.modules_of(stage) if anchors_of(m)), None)
        if snapshot is not None:
            columns[stage] = snapshot
    return columns


def _spread(
    rows: list[AnchorRow],
    anchors: list[Node],
    stages: list[str],
    columns: dict[str, Snapshot],
    cells: _Cells,
) -> list[Node]:
    """Carry the rows on from stage to stage; returns the newest node known of each row."""
    newest = list(anchors)
    for stage in stages:
        snapshot = columns[stage]
        matched = _align(newest, anchors_of(snapshot), snapshot.vocabulary)
        for i, node in enumerate(matched):
            if node is not None:
                newest[i] = node
                rows[i].cells[stage] = cells.of(snapshot, node)
    return newest


def _align(here: list[Node], there: list[Node], vocabulary: Vocabulary) -> list[Node | None]:
    """For each op of `here` its counterpart in `there`, or None."""
    matched: list[Node | None] = [None] * len(here)
    typed = all(node.shape is not None for node in there)
    key = _key if typed else _kind
    ours, theirs = (
        [key(node, vocabulary) for node in here],
        [key(node, vocabulary) for node in there],
    )
    for block in Indel.opcodes(ours, theirs):
        if block.tag == "equal":
            pairs = zip(
                range(block.src_start, block.src_end),
                there[block.dest_start : block.dest_end],
                strict=True,
            )
            for index, node in pairs:
                matched[index] = node
    return matched


def _key(node: Node, vocabulary: Vocabulary) -> tuple[str, int]:
    """What an op keeps through the passes: its kind and, in whatever layout, its result's size."""
    sizes = [size for size in node.shape or () if isinstance(size, int)]
    results = 2 if vocabulary.is_bitserial(node.attrs) else 1
    return _kind(node, vocabulary), math.prod(sizes) // results


def _kind(node: Node, vocabulary: Vocabulary) -> str:
    return vocabulary.anchor_kind(node.op) or node.op


def _mark_rejected(
    trace: Trace,
    rows: list[AnchorRow],
    newest: list[Node],
    columns: dict[str, Snapshot],
    cells: _Cells,
) -> str | None:
    """Mark the row of the rejected op, or give it one; returns the stage that rejected it."""
    failing = trace.failing_snapshot()
    stage = trace.failing_stage
    if trace.blame is None or failing is None or stage is None:
        return None
    if not 0 <= trace.blame.row < len(failing.nodes):  # of a damaged table
        return None
    here = anchors_of(failing)
    matched = _align(newest, here, failing.vocabulary)
    places = {node.number: i for i, node in enumerate(matched) if node is not None}
    row = places.get(trace.blame.row)
    if row is None:
        node = failing.nodes[trace.blame.row]
        before = [place for number, place in places.items() if number < node.number]
        row = max(before, default=-1) + 1
        kind = _kind(node, failing.vocabulary)
        rows.insert(row, AnchorRow(short(node.op), short(kind), node.span))
        rows[row].cells.update(_earlier(failing, node, columns, cells))
    rows[row].rejected = True
    rows[row].cells[stage] = cells.of(failing, failing.nodes[trace.blame.row])
    return stage


def _earlier(
    failing: Snapshot, node: Node, columns: dict[str, Snapshot], cells: _Cells
) -> dict[str, AnchorCell]:
    """The same op in the modules before, as far as those have the same ops in the same order."""
    ops = [one.op for one in failing.executed()]
    place = next(i for i, one in enumerate(failing.executed()) if one.number == node.number)
    found = {}
    for stage, snapshot in columns.items():
        executed = snapshot.executed()
        if [one.op for one in executed] == ops:
            found[stage] = cells.of(snapshot, executed[place])
    return found


class _Cells:
    """Makes the cells of a trace."""

    def __init__(self, trace: Trace, graphs: GraphOf) -> None:
        self._qconfig, self._graphs = trace.facts.qconfig, graphs
        self._ops: dict[int, tuple[Graph | None, dict[int, Op]]] = {}

    def of(self, snapshot: Snapshot, node: Node) -> AnchorCell:
        """What an op of a module reads and makes."""
        read = [snapshot.nodes[i] for i in node.inputs]
        inputs = tuple(_dtype(one) for one in read)
        behind = [node, *(_behind_notes(snapshot, one) for one in read)]  # or it is one itself
        steps = (simulated(one, snapshot, self._qconfig) for one in behind)
        graph, op = self._find(snapshot, node)
        return AnchorCell(
            node.number,
            node.op,
            inputs,
            _dtype(node),
            node.tensor,
            tuple(step for step in steps if step is not None),
            crossings.cast_from(graph, op) if graph and op else None,
            crossings.back_to(graph, op) if graph and op else None,
        )

    def _find(self, snapshot: Snapshot, node: Node) -> tuple[Graph | None, Op | None]:
        """The op in its graph, where anything crosses: in a module that has integers at all."""
        if snapshot.number not in self._ops:
            quantized = any(is_integer(call.dtype) for call in snapshot.calls)
            graph = self._graphs(snapshot) if quantized else None
            ops = graph.ops if graph else ()
            self._ops[snapshot.number] = (
                graph,
                {op.node.number: op for op in ops if op.name != RESULT},
            )
        graph, by_row = self._ops[snapshot.number]
        return graph, by_row.get(node.number)


def _graph(snapshot: Snapshot) -> Graph | None:
    """The graph of a module; None of a damaged one."""
    try:
        return Graph(snapshot)
    except (LookupError, TypeError, ValueError):
        return None


def _behind_notes(snapshot: Snapshot, node: Node) -> Node:
    """The node itself, or what the quantizer's notes to itself hand on."""
    while snapshot.vocabulary.is_note(node.op) and node.inputs:
        node = snapshot.nodes[node.inputs[0]]
    return node


def _dtype(node: Node) -> str:
    """Its dtype; of a tuple (what batch_norm returns) that of the first field."""
    if node.dtype is not None:
        return node.dtype
    field = re.search(r"\b(?:float|bfloat|u?int|bool)\d*\b", node.type or "")
    return field.group() if field else "?"
