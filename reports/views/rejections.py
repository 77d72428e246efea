"""The rejection map as a table: which kinds of op the failing pass takes, and why not the rest."""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.trace.ops import short
from tvmq_diag.trace.snapshot import Node, Snapshot
from tvmq_diag.trace.stages import FOLDING
from tvmq_diag.trace.trace import Trace

from ..formatting import (
    ACCEPTED,
    REJECTED,
    UNJUDGED,
    UNREACHED,
    clip,
    duration,
)

_NAMED = 12
"""Ops of a line that are named; the rest are counted."""


@dataclass(frozen=True)
class RejectionRow:
    """Ops of one kind that fared alike. `reason` is empty for accepted ones."""

    op: str
    count: int
    verdict: str
    reason: str
    where: list[int]
    """Some of them, in running order; the rest are `more`."""
    more: int


@dataclass(frozen=True)
class Rejections:
    """Lines, rejected ones first, and a sentence on how the map was made."""

    lines: list[RejectionRow]
    note: str


def table(trace: Trace) -> Rejections | None:
    """The map of a trace; None if there is none."""
    known, failing = trace.map, trace.failing_snapshot()
    if known is None or failing is None:
        return None
    order = {node.number: place for place, node in enumerate(failing.executed())}
    groups: dict[tuple[str, str, str], list[Node]] = {}
    fared = [
        *((row, REJECTED, said.partition(": ")[2] or said) for row, said in known.rejected),
        *((row, UNJUDGED, why) for row, why in known.unjudged),
        *((row, ACCEPTED, "") for row in known.accepted),
    ]
    for row, verdict, reason in fared:
        node = failing.nodes[row]
        groups.setdefault((node.op, verdict, reason), []).append(node)
    lines = [
        RejectionRow(short(op), len(nodes), verdict, clip(reason, 200), *_where(nodes, order))
        for (op, verdict, reason), nodes in groups.items()
    ]
    judged = len(known.accepted) + len(known.rejected)
    note = (
        f"{judged} of {judged + len(known.unjudged) + known.remaining} ops judged one by one, "
        f"{_slices(trace, failing)}: {known.queries} trials, equal ones made once, "
        f"{duration(known.ms)}"
    )
    if known.remaining:
        note += f"; the time was up before the last {known.remaining}"
    return Rejections(lines, note)


def fates(trace: Trace) -> dict[int, str]:
    """How each call of the failing module fared, by row; empty where there is no map."""
    known, failing = trace.map, trace.failing_snapshot()
    if known is None or failing is None:
        return {}
    return {
        **{call.number: UNREACHED for call in failing.calls},
        **dict.fromkeys(known.accepted, ACCEPTED),
        **{row: UNJUDGED for row, _ in known.unjudged},
        **{row: REJECTED for row, _ in known.rejected},
    }


def _slices(trace: Trace, failing: Snapshot) -> str:
    """How much of the module an op is judged with."""
    if any(run.name == FOLDING for run in trace.failing_path):
        return "each with the constants it is computed from"
    if any(failing.vocabulary.is_step(call.op) for call in failing.calls):
        return f"each with what it reads back to the nearest {short(failing.vocabulary.step)}"
    return "each by itself"


def _where(nodes: list[Node], order: dict[int, int]) -> tuple[list[int], int]:
    named = [order[node.number] for node in nodes[:_NAMED] if node.number in order]
    return named, len(nodes) - len(named)
