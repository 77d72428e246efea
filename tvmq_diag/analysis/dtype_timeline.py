"""Follow the ops a person recognises from the model (anchors) through the stages of a compile.

Relay names no ops and its passes rebuild the whole graph, so anchors of two snapshots are aligned
by their kind and order (longest common subsequence), which passes keep.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from rapidfuzz.distance import Indel

from ..trace.ops import Vocabulary
from ..trace.snapshot import Node, Snapshot
from ..trace.stages import STAGES
from ..trace.trace import Trace


@dataclass(frozen=True)
class Cell:
    """An anchor op at the end of a stage: what it reads and what it makes."""

    node: int
    op: str
    inputs: tuple[str, ...]
    """Dtypes of its inputs in order."""
    output: str
    """Dtype of its result."""
    shape: str
    """Its result as `int8[1,64,56,56]`."""


@dataclass
class Row:
    """An anchor op of the model. `cells` by stage; a missing stage had no such op."""

    label: str
    kind: str
    span: str | None
    cells: dict[str, Cell] = field(default_factory=dict)
    rejected: bool = False


@dataclass
class Timeline:
    """Rows are anchor ops in model order; `stages` are the columns that have any cell.

    `rejected_stage` is the stage that refused the rejected row's op: its cell there shows what the
    op was given. It may lie beyond the last of `stages`.
    """

    rows: list[Row]
    stages: list[str]
    rejected_stage: str | None = None


def timeline(trace: Trace) -> Timeline:
    """The dtype timeline of a trace: the anchors of each stage's last module, aligned.

    Rows are the anchors of the last module before realize (which adds multiplies and adds of its
    own) and the rejected op, if there is one: that always has a row.
    """
    columns = _columns(trace)
    if not columns:
        return Timeline([], [])
    stages = list(columns)
    early = [stage for stage in stages if STAGES.index(stage) <= STAGES.index("calibrate")]
    base = early[-1] if early else stages[0]
    anchors = anchors_of(columns[base])
    words = trace.vocabulary
    rows = [Row(f"#{i} {node.op}", _kind(node, words), node.span) for i, node in enumerate(anchors)]
    _spread(rows, anchors, [base], columns)
    _spread(rows, anchors, stages[: stages.index(base)][::-1], columns)
    latest = _spread(rows, anchors, stages[stages.index(base) + 1 :], columns)
    stopped = _mark_rejected(trace, rows, latest)
    return Timeline(rows, stages, stopped)


def anchors_of(snapshot: Snapshot) -> list[Node]:
    """The anchor ops of a module in running order; a rescaling is none, only realize writes it."""
    kind = snapshot.vocabulary.anchor_kind
    return [
        call
        for call in snapshot.executed()
        if kind(call.op) is not None and not snapshot.rescales(call)
    ]


def _columns(trace: Trace) -> dict[str, Snapshot]:
    found = {}
    imported = trace.imported()
    if imported is not None:
        found["import"] = imported
    for stage in STAGES[1:]:
        snapshot = next((m for m in trace.modules_of(stage) if anchors_of(m)), None)
        if snapshot is not None:
            found[stage] = snapshot
    return found


def _spread(
    rows: list[Row], anchors: list[Node], stages: list[str], columns: dict[str, Snapshot]
) -> list[Node]:
    """Carry the rows on from stage to stage; returns the newest node known of each row."""
    newest = list(anchors)
    for stage in stages:
        snapshot = columns[stage]
        matched = _align(newest, anchors_of(snapshot), snapshot.vocabulary)
        for i, node in enumerate(matched):
            if node is not None:
                newest[i] = node
                rows[i].cells[stage] = _cell(snapshot, node)
    return newest


def _align(here: list[Node], there: list[Node], words: Vocabulary) -> list[Node | None]:
    """For each op of `here` its counterpart in `there`, or None."""
    matched: list[Node | None] = [None] * len(here)
    typed = all(node.shape is not None for node in there)
    key = _key if typed else _kind
    ours, theirs = [key(node, words) for node in here], [key(node, words) for node in there]
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


def _key(node: Node, words: Vocabulary) -> tuple[str, int]:
    """What an op keeps through the passes: its kind and, in whatever layout, its result's size."""
    sizes = [size for size in node.shape or () if isinstance(size, int)]
    return _kind(node, words), math.prod(sizes)


def _kind(node: Node, words: Vocabulary) -> str:
    return words.anchor_kind(node.op) or node.op


def _mark_rejected(trace: Trace, rows: list[Row], newest: list[Node]) -> str | None:
    """Mark the row of the rejected op, or give it one; returns the stage that rejected it."""
    failing = trace.failing_snapshot()
    stage = trace.failing_stage
    if trace.blame is None or failing is None or stage is None:
        return None
    here = anchors_of(failing)
    matched = _align(newest, here, failing.vocabulary)
    places = {node.number: i for i, node in enumerate(matched) if node is not None}
    row = places.get(trace.blame.row)
    if row is None:
        node = failing.nodes[trace.blame.row]
        before = [place for number, place in places.items() if number < node.number]
        row = max(before, default=-1) + 1
        rows.insert(row, Row(node.op, _kind(node, failing.vocabulary), node.span))
    rows[row].rejected = True
    rows[row].cells[stage] = _cell(failing, failing.nodes[trace.blame.row])
    return stage


def _cell(snapshot: Snapshot, node: Node) -> Cell:
    inputs = tuple(_dtype(snapshot.nodes[i]) for i in node.inputs)
    return Cell(node.number, node.op, inputs, _dtype(node), node.tensor)


def _dtype(node: Node) -> str:
    """Its dtype; of a tuple (what batch_norm returns) that of the first field."""
    if node.dtype is not None:
        return node.dtype
    field = re.search(r"\b(?:float|bfloat|u?int|bool)\d*\b", node.type or "")
    return field.group() if field else "?"
