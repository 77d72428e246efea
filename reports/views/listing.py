"""A module as text, from its op table: `%23 = add(%17, %22) : float32[1,64,56,56]`."""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.trace.events import PrimFunc
from tvmq_diag.trace.ops import short
from tvmq_diag.trace.snapshot import Node, Snapshot

from ..formatting import brief, clip

LIMIT = 5000
"""Lines at most; the trace has the rest."""

AROUND = 25
"""Lines shown on each side of the marked one before the reader asks for more."""

_ARGUMENTS = 8


@dataclass(frozen=True)
class ListingRow:
    """A line: the text, what stands behind it, and the row of the op table."""

    number: int
    text: str
    span: str
    marked: bool = False

    @property
    def parts(self) -> tuple[str, str]:
        """What it is called, and the rest of the line."""
        name = f"%{self.number}"
        return (name, self.text[len(name) :]) if self.text.startswith(name) else ("", self.text)


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
    """The lines of a module; constants are written where they are read."""
    nodes = [node for node in snapshot.nodes if node.kind not in ("constant", "globalvar")]
    place = next((i for i, node in enumerate(nodes) if node.number == marked), None)
    start, stop = _kept(len(nodes), place)
    rows = [_row(snapshot, node, node.number == marked) for node in nodes[start:stop]]
    left_out = len(nodes) - len(rows)
    rows = rows or [_primfunc(i, function) for i, function in enumerate(snapshot.primfuncs[:LIMIT])]
    centre = (place - start) if place is not None else 0
    first, last = max(0, centre - AROUND), centre + AROUND + 1
    return Listing(rows[:first], rows[first:last], rows[last:], left_out)


def _kept(total: int, place: int | None) -> tuple[int, int]:
    """The window of lines that is kept, around the marked one."""
    if total <= LIMIT:
        return 0, total
    start = min(max(0, (place or 0) - LIMIT // 2), total - LIMIT)
    return start, start + LIMIT


def _row(snapshot: Snapshot, node: Node, marked: bool) -> ListingRow:
    return ListingRow(node.number, _text(snapshot, node), clip(node.span or "", 120), marked)


def _text(snapshot: Snapshot, node: Node) -> str:
    typed = f" : {clip(node.tensor, 120)}" if node.tensor != "?" else ""
    arguments = [_operand(snapshot, i) for i in node.inputs[:_ARGUMENTS]]
    if len(node.inputs) > _ARGUMENTS:
        arguments.append(f"… {len(node.inputs) - _ARGUMENTS} more")
    if node.kind == "var":
        return f"%{node.number} = input {clip(node.name or '', 60)}{typed}"
    if node.kind == "function":
        return f"%{node.number} = function returning {', '.join(arguments)}"
    if node.kind == "get":
        return f"%{node.number} = {', '.join(arguments)}.{node.attrs.get('index', '?')}{typed}"
    if node.callee is not None:
        called = f"%{node.callee}"
    else:
        called = clip(short(node.op), 80) if node.kind == "call" else clip(node.kind, 40)
    if snapshot.vocabulary.is_step(node.op):
        arguments = arguments[:1]
    inside = ", ".join([*arguments, *brief(node, snapshot)])
    return f"%{node.number} = {called}({inside}){typed}"


def _operand(snapshot: Snapshot, row: int) -> str:
    if not 0 <= row < len(snapshot.nodes):
        return f"%{row}"
    node = snapshot.nodes[row]
    if node.kind != "constant":
        return f"%{row}"
    return f"{node.value:g}" if node.value is not None else f"const {clip(node.tensor, 60)}"


def _primfunc(number: int, function: PrimFunc) -> ListingRow:
    types = clip(", ".join(function.params), 200)
    return ListingRow(number, f"primfunc {clip(function.name, 120)}({types})", "")
