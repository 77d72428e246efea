"""A module as it was between two passes: its op table, on a machine without TVM."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any

import msgspec

from .. import decoding
from ..decoding import Damage
from . import ops
from .events import PrimFunc
from .ops import Vocabulary

_INT64 = msgspec.Meta(ge=-(2**63), le=2**63 - 1)
"""What a constant's value may be: of more no float can be made."""


# Nothing that it holds holds it: the collector, which is most of reading a big table, passes it by.
class Node(msgspec.Struct, repr_omit_defaults=True, gc=False):
    """A row of an op table. `number` is its row, `inputs` are rows; shapes are in elements."""

    number: int = 0
    kind: str = "?"
    op: str = ""
    inputs: tuple[int, ...] = ()
    dtype: str | None = None
    shape: tuple[int | str, ...] | None = None
    type: str | None = None
    attrs: dict[str, Any] = {}
    name: str | None = None
    span: str | None = None
    hash: str | None = None
    value: float | Annotated[int, _INT64] | bool | None = None
    callee: int | None = None

    @property
    def tensor(self) -> str:
        """Its type as people write it: `int8[1,64,56,56]`, or TVM's own text for other types."""
        if self.dtype is None:
            return self.type or "?"
        return f"{self.dtype}[{','.join(str(size) for size in self.shape or ())}]"


class Snapshot(msgspec.Struct, frozen=True, dict=True):
    """A module as it was between two passes: `nodes` of its functions, inputs before users.

    A module of lowered functions has no nodes but `primfuncs`.
    """

    number: int
    nodes: tuple[Node, ...]
    primfuncs: tuple[PrimFunc, ...] = ()
    vocabulary: Vocabulary = ops.RELAY
    """What its dialect calls things."""

    def __repr__(self) -> str:
        lowered = f", {len(self.primfuncs)} lowered functions" if self.primfuncs else ""
        return f"<Snapshot {self.number}: {len(self.calls)} operator calls{lowered}>"

    @cached_property
    def calls(self) -> tuple[Node, ...]:
        """The operator calls in order."""
        return tuple(node for node in self.nodes if node.kind == "call")

    def executed(self) -> list[Node]:
        """The operator calls in the order they run: a fused function's where it is called.

        The table's own order visits a call's function before its arguments, so that after FuseOps
        it lists the last op of the model first.
        """
        return list(self._executed)

    @cached_property
    def _executed(self) -> list[Node]:
        used = {i for node in self.nodes for i in (*node.inputs, node.callee) if i is not None}
        stack = [(i, False) for i in reversed(range(len(self.nodes))) if i not in used]
        seen: set[int] = set()
        order = []
        while stack:
            number, ready = stack.pop()
            node = self.nodes[number]
            if ready:
                if node.kind == "call" and node.callee is None:
                    order.append(node)
                continue
            if number in seen:
                continue
            seen.add(number)
            stack.append((number, True))
            if node.callee is not None:
                stack.append((node.callee, False))
            stack.extend((i, False) for i in reversed(node.inputs))
        return order

    def rescales(self, call: Node) -> bool:
        """Is it a rescaling as a quantizer writes it, and no op of the model?

        By a scalar; or, where channels can have scales of their own, by a constant of what was cast
        from integers that an op gave.
        """
        scaled = self.vocabulary.with_scales
        if scaled is not None and call.op.startswith(scaled):
            return False
        operands = [self.nodes[i] for i in call.inputs]
        if any(operand.value is not None for operand in operands):
            return True
        if not self.vocabulary.channel_scales or call.op not in self.vocabulary.rescaling:
            return False
        if not operands:  # of a damaged table
            return False
        data, *scales = operands  # a scalar may be part of the kernel: then there are none
        if data.op not in self.vocabulary.casts or not is_float(data.dtype) or not data.inputs:
            return False
        source = self.nodes[data.inputs[0]]
        constant = all(scale.kind == "constant" for scale in scales)
        return constant and source.kind == "call" and is_integer(source.dtype)


class Table(msgspec.Struct):
    """The nodes of an op table, and what was wrong with it: rows that are not as declared, which
    stand in it as of unknown kind, and rows that read, or call, what is no row before theirs."""

    nodes: tuple[Node, ...]
    damaged: int = 0
    mended: int = 0


_ROWS = msgspec.json.Decoder(tuple[Node, ...])


def table(text: bytes) -> Table:
    """Read the file of an op table; raises Damage for what is no list of rows at all."""
    try:
        nodes = _ROWS.decode(text)
    except decoding.REFUSED:
        return _mended(text)
    for number, node in enumerate(nodes):
        node.number = number
        if not _reads_before(node):
            return _mended(text)
    return Table(nodes)


def _reads_before(node: Node) -> bool:
    """Does it read and call nothing but rows before its own?"""
    rows = node.inputs if node.callee is None else (*node.inputs, node.callee)
    return not rows or (min(rows) >= 0 and max(rows) < node.number)


def _mended(text: bytes) -> Table:
    """A table of which something is not as it was written, row by row."""
    rows = decoding.loose(text, infinite=True)
    if not isinstance(rows, list):
        raise Damage("no list of rows")
    table = Table(())
    nodes = []
    for number, row in enumerate(rows):
        node, lost = _salvaged(row)
        node.number = number
        table.damaged += lost
        if not _reads_before(node):
            table.mended += 1
            node.inputs = tuple(row for row in node.inputs if 0 <= row < number)
            if node.callee is not None and not 0 <= node.callee < number:
                node.callee = None
        nodes.append(node)
    table.nodes = tuple(nodes)
    return table


def _salvaged(row: Any) -> tuple[Node, bool]:
    """What of a row is as declared, and whether anything is not."""
    if not isinstance(row, dict):
        return Node(), True
    inputs = row.get("inputs")
    if isinstance(inputs, list):  # one that is none does not cost the others; the caller counts it
        row = {**row, "inputs": [number if type(number) is int else -1 for number in inputs]}
    node, lost = decoding.salvaged(row, Node)
    return node, bool(lost)


def is_float(dtype: str | None) -> bool:
    """Is it one of IEEE's floating-point dtypes? None, the dtype of no tensor, is not."""
    return (dtype or "").startswith("float")


def is_integer(dtype: str | None) -> bool:
    """Is it an integer dtype, or bool? None, the dtype of no tensor, is not."""
    return (dtype or "").startswith(("int", "uint", "bool"))
