"""What an op is at a step, in words: a row of a listing.

An op reads other ops by their lines, which they keep from step to step: so a row stays the same for
as long as nothing about its op changes, and is written once for all those steps.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ..trace.facts import Setting
from ..trace.graph import Op, Operand
from ..trace.ops import short
from ..trace.simulated import simulated
from ..trace.snapshot import Node
from .lineage import Module, called

Read = int | str
"""What an op reads: the line of an op, or in words a constant, an input, a field of a tuple."""


class Row(msgspec.Struct, frozen=True, array_like=True):
    """An op in words. `makes` is its type; `reads` are in order; `attributes` name, value.

    `stands_for` is what it will compute in once it is realized, empty where that is what it says.
    """

    op: str
    makes: str
    reads: tuple[Read, ...]
    attributes: tuple[tuple[str, str], ...] = ()
    stands_for: str = ""
    span: str = ""


class Rows:
    """Makes the rows of a compile's modules, each different one once."""

    def __init__(self, qconfig: Mapping[str, Setting], known: dict[Row, int] | None = None) -> None:
        self._qconfig = qconfig
        self.numbers: dict[Row, int] = {} if known is None else known
        """Each row's number, in order of first use."""
        self._attributes: dict[str, tuple[tuple[str, str], ...]] = {}

    def of(self, module: Module) -> list[int]:
        """The numbers of a module's rows, in running order."""
        return [
            self.numbers.setdefault(self._row(module, op), len(self.numbers))
            for op in module.graph.ops
        ]

    def _row(self, module: Module, op: Op) -> Row:
        snapshot, node = module.graph.snapshot, op.node
        name = called(module.graph, op)
        kind = op.vocabulary.step_kind(op.name, node.attrs)
        step = simulated(node, snapshot, self._qconfig) if kind is not None else None
        return Row(
            f"@{name}" if name is not None else short(op.name) + (f"({kind})" if kind else ""),
            node.tensor,
            tuple(self._read(module, operand) for operand in op.operands),
            self._named(op),
            str(step) if step is not None else self._computes_in(module, op),
            node.span or "",
        )

    def _computes_in(self, module: Module, op: Op) -> str:
        """What the values that it reads are simulated as: `as int4, int4`."""
        dtypes = []
        for operand in op.operands:
            at = module.graph.ops[operand.op] if operand.op is not None else None
            while at is not None and at.vocabulary.is_note(at.name) and at.reads:
                at = module.graph.ops[at.reads[0]]
            step = at and simulated(at.node, module.graph.snapshot, self._qconfig)
            if step and step.dtype:
                dtypes.append(step.dtype)
        return f"as {', '.join(dtypes)}" if dtypes else ""

    def _read(self, module: Module, operand: Operand) -> Read:
        if operand.op is not None:
            line = module.lines[operand.op]
            return line if operand.part is None else f"%{line}.{operand.part}"
        return _value(operand.constant) if operand.constant is not None else operand.type

    def _named(self, op: Op) -> tuple[tuple[str, str], ...]:
        key = repr((op.name, op.node.attrs))
        if key not in self._attributes:
            named = op.vocabulary.attributes(op.name, op.node.attrs)
            self._attributes[key] = tuple(
                (name, str(value))
                for name, value in named.items()
                if value not in (None, "") and name != "metadata"
            )
        return self._attributes[key]


def _value(constant: Node) -> str:
    """A scalar's value; of a tensor its type and the hash that names its bytes."""
    if constant.value is not None:
        return f"{constant.value:.6g}"
    return f"{constant.tensor} {(constant.hash or '?')[:8]}"
