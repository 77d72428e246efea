"""Pictures of a module: the ops around the rejected one, and the whole model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import networkx as nx

from tvmq_diag.lineage import anchor_kind
from tvmq_diag.snapshot import Node, Snapshot

from . import svg
from .contraction import Group, condense
from .words import brief, clip, dtype_family, op_name

_LINE = 40
"""Characters of a line in a node."""

_NEIGHBOURS = 60
"""Nodes of a neighbourhood at most: something read by a thousand ops stays a picture."""

REJECTED = "✗ rejected here"


@dataclass(frozen=True)
class Picture:
    """An inline `<svg>` and, where something was left out, a line that says so.

    `svg` is None when it could not be drawn; the note then says that.
    """

    svg: str | None
    note: str | None = None


def around(
    snapshot: Snapshot, row: int, up: int = 3, down: int = 2, prefix: str = "around"
) -> Picture:
    """The producers up to `up` steps and the consumers up to `down` steps from the op in `row`."""
    if not 0 <= row < len(snapshot.nodes):
        return Picture(None, f"row {row} is not in the op table")
    near = _near(snapshot, row, up, down)
    graph = nx.DiGraph()
    for number in sorted(near):
        _add_node(graph, snapshot, snapshot.nodes[number], number == row)
    for number in sorted(near):
        for source in snapshot.nodes[number].inputs:
            if source in near:
                graph.add_edge(f"n{source}", f"n{number}")
    _add_stubs(graph, snapshot, near)
    title = f"The ops around %{row} {clip(snapshot.nodes[row].op, 60)}"
    note = "only the nearest ops are drawn" if len(near) >= _NEIGHBOURS else None
    return _picture(graph, prefix, title, note)


def whole(snapshot: Snapshot, rejected_row: int | None = None, prefix: str = "whole") -> Picture:
    """The whole model, elementwise chains as one node each, ops on constants left out."""
    model = condense(snapshot, rejected_row)
    graph = nx.DiGraph()
    for place, group in enumerate(model.groups):
        _add_group(graph, place, group)
        for source in group.sources:
            graph.add_edge(f"n{source}", f"n{place}")
    if not graph:
        return Picture(None, "this module has no operator calls")
    title = f"The whole model: {model.total} operator calls drawn as {len(graph)} nodes"
    return _picture(graph, prefix, title, model.note)


def _picture(graph: nx.DiGraph, prefix: str, title: str, note: str | None) -> Picture:
    drawn = svg.draw(graph, prefix, title)
    if drawn is None:
        return Picture(None, "Graphviz could not draw this module")
    return Picture(drawn, note)


def _near(snapshot: Snapshot, row: int, up: int, down: int) -> set[int]:
    readers: dict[int, list[int]] = {}
    for node in snapshot.nodes:
        for source in _operands(snapshot, node):
            readers.setdefault(source, []).append(node.number)
    near = {row}
    _grow(near, row, up, lambda number: _operands(snapshot, snapshot.nodes[number]))
    _grow(near, row, down, lambda number: readers.get(number, []))
    return near


def _grow(near: set[int], row: int, steps: int, following: Callable[[int], Iterable[int]]) -> None:
    edge = [row]
    for _ in range(steps):
        found = dict.fromkeys(i for number in edge for i in following(number) if i not in near)
        edge = list(found)[: max(0, _NEIGHBOURS - len(near))]
        near.update(edge)


def _operands(snapshot: Snapshot, node: Node) -> list[int]:
    """The inputs that are nodes of a picture: constants, and the numbers a quantizer is set to,
    are told in the text of who reads them. A function is no reader of its result."""
    if node.kind == "function":
        return []
    inputs = node.inputs[:1] if op_name(node.op) == "simulated_quantize" else node.inputs
    known = len(snapshot.nodes)
    return [i for i in inputs if 0 <= i < known and snapshot.nodes[i].kind != "constant"]


def _add_node(graph: nx.DiGraph, snapshot: Snapshot, node: Node, rejected: bool) -> None:
    attributes = brief(node, snapshot)
    lines = [f"%{node.number} {_called(node)}", clip(node.tensor, _LINE)]
    lines += [clip(line, _LINE) for line in _wrapped(attributes)]
    lines += _constants(snapshot, node)
    if node.span:
        lines.append(clip(node.span, _LINE))
    tip = " ".join([node.op or node.kind, node.tensor, *attributes, node.span or ""])
    _place(graph, f"n{node.number}", lines, clip(tip, 300), node, rejected)


def _add_group(graph: nx.DiGraph, place: int, group: Group) -> None:
    node = group.last
    names = [_called(call) for call in group.ops if not _annotation(call)]
    names = names or [_called(node)]
    shown = " + ".join(names[:3]) + (f" + {len(names) - 3} more" if len(names) > 3 else "")
    lines = [clip(shown, _LINE), clip(node.tensor, _LINE)]
    span = next((call.span for call in group.ops if call.span), None)
    if span and anchor_kind(node.op) is None:
        lines.append(clip(span, _LINE))
    tip = ", ".join(f"%{call.number} {call.op or call.name or ''}" for call in group.ops[:12])
    _place(graph, f"n{place}", lines, clip(tip, 300), node, group.rejected)


def _place(
    graph: nx.DiGraph, name: str, lines: list[str], tip: str, node: Node, rejected: bool
) -> None:
    look = f"d-{dtype_family(node.dtype)}"
    if rejected:
        text = svg.label([REJECTED, *lines])
        graph.add_node(
            name,
            label=text,
            tip=f"{REJECTED}: {tip}",
            shape="octagon",
            peripheries=2,
            **{"class": f"{look} rejected"},
        )
        return
    shape = "ellipse" if node.kind == "var" else "box"
    graph.add_node(name, label=svg.label(lines), tip=tip, shape=shape, **{"class": look})


def _add_stubs(graph: nx.DiGraph, snapshot: Snapshot, near: set[int]) -> None:
    """Say where the picture is cut: `…` above the ops whose producers are not in it."""
    for number in sorted(near):
        missing = [i for i in _operands(snapshot, snapshot.nodes[number]) if i not in near]
        if missing:
            graph.add_node(f"s{number}", label="…", shape="plaintext", **{"class": "stub"})
            graph.add_edge(f"s{number}", f"n{number}", **{"class": "stub"})


def _called(node: Node) -> str:
    if node.kind == "call":
        return clip(op_name(node.op), 30)
    return clip(node.name if node.kind == "var" and node.name else node.kind, 30)


def _annotation(call: Node) -> bool:
    return call.op.startswith("annotation.")


def _wrapped(words: list[str]) -> list[str]:
    """The words in as few lines as they fit."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(word) < _LINE - 8:
            lines[-1] += f", {word}"
        else:
            lines.append(word)
    return lines


def _constants(snapshot: Snapshot, node: Node) -> list[str]:
    quantizer = op_name(node.op) == "simulated_quantize"
    inputs = node.inputs[:1] if quantizer else node.inputs
    read = [snapshot.nodes[i] for i in inputs if 0 <= i < len(snapshot.nodes)]
    return [
        clip(f"with const {c.value if c.value is not None else c.tensor}", _LINE)
        for c in read
        if c.kind == "constant"
    ][:3]
