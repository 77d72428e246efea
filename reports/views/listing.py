"""A module as text, from its op table: `%23 = add(%17, %22) : float32[1,64,56,56]`.

Ops have the numbers that verdicts, graphs and the viewer know them by: in running order, from 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.trace.events import PrimFunc
from tvmq_diag.trace.graph import Graph, Op, Operand
from tvmq_diag.trace.ops import short
from tvmq_diag.trace.snapshot import Snapshot

from ..formatting import brief, clip

LIMIT = 5000
"""Lines at most; the trace has the rest."""

AROUND = 25
"""Lines shown on each side of the marked one before the reader asks for more."""

_ARGUMENTS = 8


@dataclass(frozen=True)
class ListingRow:
    """A line: an op's number, None of a lowered function; what it is; and where in the model."""

    number: int | None
    text: str
    span: str
    marked: bool = False


@dataclass(frozen=True)
class Listing:
    """A module's lines in three parts; `shown` are those around the marked op."""

    before: list[ListingRow]
    shown: list[ListingRow]
    after: list[ListingRow]
    left_out: int = 0

    @property
    def empty(self) -> bool:
        """Is there no line at all?"""
        return not (self.before or self.shown or self.after)


def listing(snapshot: Snapshot, marked: int | None = None) -> Listing:
    """The lines of a module, the op in a row of its table marked."""
    ops = Graph(snapshot).ops
    place = next((op.index for op in ops if op.node.number == marked), None)
    start, stop = _kept(len(ops), place)
    rows = [_row(snapshot, op, op.index == place) for op in ops[start:stop]]
    left_out = len(ops) - len(rows)
    rows = rows or [_primfunc(function) for function in snapshot.primfuncs[:LIMIT]]
    centre = (place - start) if place is not None else 0
    first, last = max(0, centre - AROUND), centre + AROUND + 1
    return Listing(rows[:first], rows[first:last], rows[last:], left_out)


def _kept(total: int, place: int | None) -> tuple[int, int]:
    """The window of lines that is kept, around the marked one."""
    if total <= LIMIT:
        return 0, total
    start = min(max(0, (place or 0) - LIMIT // 2), total - LIMIT)
    return start, start + LIMIT


def _row(snapshot: Snapshot, op: Op, marked: bool) -> ListingRow:
    return ListingRow(op.index, _text(snapshot, op), clip(op.node.span or "", 120), marked)


def _text(snapshot: Snapshot, op: Op) -> str:
    typed = f" : {clip(op.node.tensor, 120)}" if op.node.tensor != "?" else ""
    arguments = [_operand(operand) for operand in op.operands[:_ARGUMENTS]]
    if len(op.operands) > _ARGUMENTS:
        arguments.append(f"… {len(op.operands) - _ARGUMENTS} more")
    if op.vocabulary.is_step(op.node.op):
        arguments = arguments[:1]
    inside = ", ".join([*arguments, *brief(op.node, snapshot)])
    return f" = {clip(short(op.name), 80)}({inside}){typed}"


def _operand(operand: Operand) -> str:
    if operand.op is not None:
        return f"%{operand.op}" if operand.part is None else f"%{operand.op}.{operand.part}"
    if operand.constant is None:
        return f"input {clip(operand.type, 60)}"
    if operand.constant.value is not None:
        return f"{operand.constant.value:g}"
    return f"const {clip(operand.type, 60)}"


def _primfunc(function: PrimFunc) -> ListingRow:
    types = clip(", ".join(function.params), 200)
    return ListingRow(None, f"primfunc {clip(function.name, 120)}({types})", "")
