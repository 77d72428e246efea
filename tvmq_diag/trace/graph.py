"""The ops of a module with what each reads: through tuples, and into the functions it calls."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property

import msgspec

from .ops import Vocabulary
from .snapshot import Node, Snapshot, is_integer

RESULT = "result"
"""What a module hands back is compared like an op that reads it."""

_REPEATED = frozenset({"metadata"})
"""Attributes that repeat, as text, what the lowered functions are called."""


class Operand(msgspec.Struct, frozen=True):
    """What an op reads: another op's result (`op` is its index), a constant, or a model input."""

    op: int | None = None
    part: int | None = None
    """Which field, where the op makes a tuple."""
    constant: Node | None = None
    type: str = ""

    @property
    def fixed(self) -> Hashable:
        """What it is, as far as that needs no other op."""
        if self.constant is not None:
            return "constant", self.type, self.constant.hash
        return ("input", self.type) if self.op is None else ("op", self.part)


class Op(msgspec.Struct, eq=False, dict=True):
    """An op of a module; `index` counts in running order from 0, as verdicts do."""

    index: int
    node: Node
    name: str
    operands: tuple[Operand, ...]
    vocabulary: Vocabulary
    users: list[int] = []
    rescales: bool = False
    """Is it a rescaling as a quantizer writes it (Snapshot.rescales), seen through functions?"""

    @property
    def of_model(self) -> bool:
        """Is it an op of the model, and not the quantizer's or the compiler's own?"""
        if self.vocabulary.is_machinery(self.name):
            return False
        return self.name == RESULT or not self.rescales

    @property
    def anchor_kind(self) -> str | None:
        """The kind of anchor it is; None of a rescaling, which nobody knows by its place."""
        return None if self.rescales else self.vocabulary.anchor_kind(self.name)

    @property
    def scalar(self) -> bool:
        """Does it compute with a constant number?"""
        nodes = (operand.constant for operand in self.operands)
        return any(node is not None and node.value is not None for node in nodes)

    @cached_property
    def reads(self) -> list[int]:
        """The ops whose results it reads."""
        return [operand.op for operand in self.operands if operand.op is not None]

    @cached_property
    def signature(self) -> Hashable:
        """What it is without the values it computes with: its name, result and attributes."""
        return self.name, self.node.tensor, attributes(self.node)

    @cached_property
    def fixed(self) -> Hashable:
        """What it is, as far as that needs no other op."""
        return self.signature, tuple(operand.fixed for operand in self.operands)


class Graph:
    """The ops of a module with what each reads, through tuples and into fused functions."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        executed = snapshot.executed()
        self._index = {node.number: i for i, node in enumerate(executed)}
        self._arguments = _arguments(snapshot)
        self.ops = [
            Op(i, node, _name(node.op), tuple(self._read(node.inputs)), snapshot.vocabulary)
            for i, node in enumerate(executed)
        ]
        for root in _results(snapshot):
            operands = tuple(self._read(root.inputs))
            self.ops.append(Op(len(self.ops), root, RESULT, operands, snapshot.vocabulary))
        for op in self.ops:
            for producer in op.reads:
                self.ops[producer].users.append(op.index)
            op.rescales = self._rescales(op)

    def _rescales(self, op: Op) -> bool:
        words = self.snapshot.vocabulary
        if op.scalar or not (words.channel_scales and op.name in words.rescaling):
            return op.scalar
        if not op.operands:  # of a damaged table
            return False
        data, *scales = op.operands  # a scalar may be part of the kernel: then there are none
        if data.op is None or any(scale.constant is None for scale in scales):
            return False
        cast = self.ops[data.op]
        return cast.name in words.casts and any(
            operand.op is not None and is_integer(operand.type) for operand in cast.operands
        )

    def _read(self, rows: Sequence[int]) -> Iterator[Operand]:
        for row in rows:
            yield from self._operands(row, None)

    def _operands(self, row: int, part: int | None) -> Iterator[Operand]:
        """What stands in a row of the table; `part` is the wanted field of a tuple."""
        node = self.snapshot.nodes[row]
        if node.number in self._index:
            yield Operand(self._index[row], part, type=node.tensor)
        elif node.kind == "get" and node.inputs:
            field = node.attrs.get("index", 0)
            yield from self._operands(node.inputs[0], field if isinstance(field, int) else None)
        elif node.kind == "tuple" and part is not None and 0 <= part < len(node.inputs):
            yield from self._operands(node.inputs[part], None)
        elif node.callee is not None:  # a fused function: its result is the op's that ends it
            for inside in self.snapshot.nodes[node.callee].inputs:
                yield from self._operands(inside, part)
        elif row in self._arguments:
            yield from self._operands(self._arguments[row], part)
        elif node.kind == "constant":
            yield Operand(constant=node, type=node.tensor)
        elif node.kind == "var":
            yield Operand(type=node.tensor)
        elif node.kind != "globalvar":
            yield from self._read(node.inputs)


def attributes(node: Node) -> str:
    """An op's attributes as one text, in an order that no TVM changes."""
    return repr(sorted((k, v) for k, v in node.attrs.items() if k not in _REPEATED))


def _name(op: str) -> str:
    """An operator's name; a lowered function's without the number TVM put behind it."""
    return re.sub(r"(_\d+)+$", "", op) if op.startswith("@") else op


def _results(snapshot: Snapshot) -> list[Node]:
    """The functions that no other calls: what they hand back is the module's."""
    used = {i for node in snapshot.nodes for i in (*node.inputs, node.callee) if i is not None}
    return [n for n in snapshot.nodes if n.kind == "function" and n.number not in used]


def _arguments(snapshot: Snapshot) -> dict[int, int]:
    """For each parameter of a called function, the row that it is called with.

    A function's parameters are the variables in its body that no function inside it has, and
    come in their order; where they are not as many as arguments, nothing is claimed.
    """
    arguments: dict[int, int] = {}
    for node in snapshot.nodes:
        if node.kind != "call" or node.callee is None:
            continue
        variables = _variables(snapshot, node.callee)
        if len(variables) == len(node.inputs):
            arguments.update(zip(variables, node.inputs, strict=True))
    return arguments


def _variables(snapshot: Snapshot, function: int) -> list[int]:
    seen: set[int] = set()
    stack = list(snapshot.nodes[function].inputs)
    while stack:
        row = stack.pop()
        if row not in seen:
            seen.add(row)
            stack.extend(snapshot.nodes[row].inputs)
    return sorted(row for row in seen if snapshot.nodes[row].kind == "var")
