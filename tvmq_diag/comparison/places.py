"""Where an op stands in the model: what of the model it computes, and which ops of it read it.

The quantizer's and the compiler's own ops are looked through, so that a place is the same with and
without them, in every dtype and layout, and for as long as a pass leaves the model's ops alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable

from ..trace.graph import Graph, Op, Operand
from ..trace.snapshot import Node

Number = Callable[[Hashable], int]
"""Gives equal things equal numbers."""


def computed(graph: Graph, number: Number) -> list[int]:
    """For each op the part of the model that it computes: by kinds and sizes, not by values.

    What is no op of the model has the number of what it reads.
    """
    keys: list[int] = []
    for op in graph.ops:  # in running order: what it reads has a key already
        if op.of_model:
            read = tuple(_operand(operand, keys, number) for operand in op.operands)
            keys.append(number(("computed", op.anchor_kind or op.name, size(op.node), read)))
            continue
        data = list(dict.fromkeys(keys[i] for i in op.reads))
        data = data or [_operand(operand, keys, number) for operand in op.operands[:1]]
        keys.append(data[0] if len(data) == 1 else number(("beside", *data)))
    return keys


def read_by(graph: Graph, computed: list[int], number: Number) -> list[int]:
    """For each op the ops of the model that read it, near or far, and as which operands."""
    readers: list[frozenset[int]] = [frozenset()] * len(graph.ops)
    for op in reversed(graph.ops):
        for i in set(op.users):
            user = graph.ops[i]
            own = frozenset({number(("reads", computed[i], _slots(user, op)))})
            readers[op.index] |= own if user.of_model else readers[i]
    return [number(("read by", *sorted(those))) for those in readers]


def size(node: Node) -> int:
    """How many values it has, as far as that is known."""
    return math.prod(size for size in node.shape or () if isinstance(size, int))


def _operand(operand: Operand, keys: list[int], number: Number) -> int:
    if operand.op is not None:
        return (
            keys[operand.op] if operand.part is None else number((operand.part, keys[operand.op]))
        )
    if operand.constant is not None:
        return number(("constant", size(operand.constant)))
    return number(("input",))


def _slots(user: Op, op: Op) -> tuple[int, ...]:
    return tuple(place for place, read in enumerate(user.operands) if read.op == op.index)
