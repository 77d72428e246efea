"""A module as it was between two passes: its op table, on a machine without TVM."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Node:
    """A row of an op table. `number` is its row, `inputs` are rows; shapes are in elements."""

    number: int
    kind: str
    op: str = ""
    inputs: tuple[int, ...] = ()
    dtype: str | None = None
    shape: tuple[int | str, ...] | None = None
    type: str | None = None
    attrs: dict[str, Any] = field(default_factory=dict)
    name: str | None = None
    span: str | None = None
    hash: str | None = None
    value: float | int | bool | None = None
    callee: int | None = None

    @property
    def tensor(self) -> str:
        """Its type as people write it: `int8[1,64,56,56]`, or TVM's own text for other types."""
        if self.dtype is None:
            return self.type or "?"
        return f"{self.dtype}[{','.join(str(size) for size in self.shape or ())}]"


@dataclass(frozen=True)
class Snapshot:
    """A module as it was between two passes: `nodes` of its Relay functions, inputs before users.

    A module of lowered functions has no nodes but `primfuncs` (name, params: dtypes).
    """

    number: int
    nodes: tuple[Node, ...]
    primfuncs: tuple[dict[str, Any], ...] = ()

    @cached_property
    def calls(self) -> tuple[Node, ...]:
        """The operator calls in order."""
        return tuple(node for node in self.nodes if node.kind == "call")

    def executed(self) -> list[Node]:
        """The operator calls in the order they run: a fused function's where it is called.

        The table's own order visits a call's function before its arguments, so that after FuseOps
        it lists the last op of the model first.
        """
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


def table(rows: list[dict[str, Any]]) -> tuple[tuple[Node, ...], int]:
    """The nodes of an op table; and how many of them were mended: they read, or call, what is no
    row before theirs.

    Raises TypeError, AttributeError or ValueError for what is no table at all.
    """
    found = [node(i, row) for i, row in enumerate(rows)]
    nodes = tuple(_mended(one) for one in found)
    return nodes, sum(one is not other for one, other in zip(found, nodes, strict=True))


def _mended(one: Node) -> Node:
    """The node without what it cannot read; itself where all is well."""

    def before(row: Any) -> bool:
        return type(row) is int and 0 <= row < one.number

    if all(map(before, one.inputs)) and (one.callee is None or before(one.callee)):
        return one
    inputs = tuple(row for row in one.inputs if before(row))
    return replace(one, inputs=inputs, callee=one.callee if before(one.callee) else None)


def node(number: int, row: dict[str, Any]) -> Node:
    """A row of an op table as the journal's writer made it; raises TypeError where it is not."""
    shape = row.get("shape")
    return Node(
        number=number,
        kind=str(row.get("kind", "?")),
        op=str(row.get("op", "")),
        inputs=tuple(row.get("inputs", ())),
        dtype=row.get("dtype"),
        shape=tuple(shape) if shape is not None else None,
        type=row.get("type"),
        attrs=row.get("attrs", {}),
        name=row.get("name"),
        span=row.get("span"),
        hash=row.get("hash"),
        value=row.get("value"),
        callee=row.get("callee"),
    )


def short(name: str) -> str:
    """An operator as people call it: without the namespace of the quantizer's own."""
    return name.removeprefix("relay.op.").removeprefix("annotation.")
