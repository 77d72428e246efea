"""What is near an op: the ops that it comes from, and those that come from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tvmq_diag.trace.snapshot import Node, Snapshot

LIMIT = 60
"""Nodes of a neighbourhood at most: something read by a thousand ops stays a picture."""


def neighbourhood(snapshot: Snapshot, row: int, up: int, down: int) -> set[int]:
    """The rows of producers up to `up` steps and consumers up to `down` steps from a row."""
    read_by = readers(snapshot)
    near = {row}
    grow(near, [row], up, lambda number: operands(snapshot, snapshot.nodes[number]))
    grow(near, [row], down, lambda number: read_by.get(number, []))
    return near


def readers(snapshot: Snapshot) -> dict[int, list[int]]:
    """For each row, the rows that read it."""
    found: dict[int, list[int]] = {}
    for node in snapshot.nodes:
        for source in operands(snapshot, node):
            found.setdefault(source, []).append(node.number)
    return found


def grow(
    near: set[int],
    edge: Iterable[int],
    steps: int,
    following: Callable[[int], Iterable[int]],
) -> None:
    """Add what follows the rows of an edge, so many steps far, while the limit allows."""
    for _ in range(steps):
        found = dict.fromkeys(i for number in edge for i in following(number) if i not in near)
        edge = list(found)[: max(0, LIMIT - len(near))]
        near.update(edge)


def operands(snapshot: Snapshot, node: Node) -> list[int]:
    """The inputs that are nodes of a picture: constants, and the numbers a quantizer is set to,
    are told in the text of who reads them. A function is no reader of its result."""
    if node.kind == "function":
        return []
    inputs = node.inputs[:1] if snapshot.vocabulary.is_step(node.op) else node.inputs
    known = len(snapshot.nodes)
    return [i for i in inputs if 0 <= i < known and snapshot.nodes[i].kind != "constant"]
