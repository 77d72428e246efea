"""Pictures of a module: the ops around the rejected one, and the whole model.

Nodes are coloured by how each op fared alone where that is known (`fates`, see
reports.views.rejections): in a module that was rejected this tells more than dtypes, which are
still those of the float model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import networkx as nx

from tvmq_diag.trace.ops import Vocabulary, short
from tvmq_diag.trace.snapshot import Node, Snapshot

from .. import formatting
from ..formatting import (
    ACCEPTED,
    FATE_MARKS,
    brief,
    clip,
    dtype_family,
)
from . import svg
from .condense import Group, condense
from .near import LIMIT, neighbourhood, operands

_LINE = 40
"""Characters of a line in a node."""

_NAMES = 3
"""Ops of a group that its node names; the others are counted."""

REJECTED = "✗ rejected here"

_LOOKS = {
    formatting.REJECTED: ("m-rejected", "octagon"),
    formatting.ACCEPTED: ("m-accepted", "box"),
    formatting.UNJUDGED: ("m-unjudged", "hexagon"),
    formatting.UNREACHED: ("m-unreached", "box"),
}
"""Class and shape of each fate; the borders differ too, by the class."""

NO_FATES: Mapping[int, str] = {}


@dataclass(frozen=True)
class Key:
    """An entry of a picture's legend: a class of the style sheets, a mark and words."""

    look: str
    mark: str
    text: str


@dataclass(frozen=True)
class Picture:
    """An inline `<svg>` with its legend and, where something was left out, a line that says so.

    `svg` is None when it could not be drawn; the note then says that.
    """

    svg: str | None
    note: str | None = None
    legend: tuple[Key, ...] = ()


_HERE = Key("m-rejected first", "✗", "rejected here: the first, which ended the compile")


def around(
    snapshot: Snapshot,
    row: int,
    up: int = 3,
    down: int = 2,
    prefix: str = "around",
    fates: Mapping[int, str] = NO_FATES,
) -> Picture:
    """The producers up to `up` steps and the consumers up to `down` steps from the op in `row`."""
    if not 0 <= row < len(snapshot.nodes):
        return Picture(None, f"row {row} is not in the op table")
    near = neighbourhood(snapshot, row, up, down)
    graph = nx.DiGraph()
    order = places(snapshot)
    for number in sorted(near):
        node = snapshot.nodes[number]
        _add_node(graph, snapshot, node, number == row, fates, order.get(number))
    for number in sorted(near):
        for source in snapshot.nodes[number].inputs:
            if source in near:
                graph.add_edge(f"n{source}", f"n{number}")
    _add_stubs(graph, snapshot, near)
    called = f"%{order[row]} " if row in order else ""
    title = f"The ops around {called}{clip(snapshot.nodes[row].op, 60)}"
    note = "only the nearest ops are drawn" if len(near) >= LIMIT else None
    drawn = [snapshot.nodes[number] for number in sorted(near)]
    nodes = {f"n{node.number}": [node] for node in drawn}
    _add_data(graph, nodes, order)
    if fates:
        found = {fates[number] for number in near if number in fates}
        legend = [_HERE, *(_key(fate, fate) for fate in FATE_MARKS if fate in found)]
    else:
        legend = _families(drawn)
    return _picture(graph, prefix, title, note, legend)


def whole(
    snapshot: Snapshot,
    rejected_row: int | None = None,
    prefix: str = "whole",
    fates: Mapping[int, str] = NO_FATES,
) -> Picture:
    """The whole model, elementwise chains as one node each.

    Ops on constants are left out, but not those that are rejected.
    """
    rejected = [row for row, fate in fates.items() if fate == formatting.REJECTED]
    model = condense(snapshot, rejected_row, rejected)
    order = places(snapshot)
    known = _Known(fates, order, _told(rejected_row, fates), snapshot.vocabulary)
    graph = nx.DiGraph()
    for place, group in enumerate(model.groups):
        _add_group(graph, place, group, known)
        for source in group.sources:
            graph.add_edge(f"n{source}", f"n{place}")
    if not graph:
        return Picture(None, "this module has no operator calls")
    groups = enumerate(model.groups)
    _add_data(graph, {f"n{place}": [*group.ops, group.last] for place, group in groups}, order)
    title = f"The whole model: {model.total} operator calls drawn as {len(graph)} nodes"
    note = model.note
    if fates:
        legend = ([_HERE] if rejected_row is not None else []) + _tally(fates)
        missing = set(rejected) - {row for group in model.groups for row in _rows(group)}
        if missing:
            note = f"{note or 'not all is drawn'}; {len(missing)} rejected ops are not in it"
    else:
        legend = _families([group.last for group in model.groups])
    return _picture(graph, prefix, title, note, legend)


def _picture(
    graph: nx.DiGraph, prefix: str, title: str, note: str | None, legend: list[Key]
) -> Picture:
    drawn = svg.draw(graph, prefix, title)
    if drawn is None:
        return Picture(None, "Graphviz could not draw this module")
    return Picture(drawn, note, tuple(legend))


def _tally(fates: Mapping[int, str]) -> list[Key]:
    """How many ops of the module fared how; what can happen is said even where it did not."""
    counts = Counter(fates.values())
    usual = (formatting.REJECTED, ACCEPTED)
    return [
        _key(fate, f"{counts[fate]} {fate}") for fate in FATE_MARKS if counts[fate] or fate in usual
    ]


def _key(fate: str, text: str) -> Key:
    return Key(_LOOKS[fate][0], FATE_MARKS[fate], text)


def _families(nodes: Iterable[Node]) -> list[Key]:
    found = {dtype_family(node.dtype) for node in nodes}
    return [
        Key(f"f-{family}", mark, formatting.FAMILY_NAMES[family])
        for family, mark in formatting.FAMILY_MARKS.items()
        if family in found
    ]


def _add_node(
    graph: nx.DiGraph,
    snapshot: Snapshot,
    node: Node,
    rejected: bool,
    fates: Mapping[int, str],
    place: int | None,
) -> None:
    fate = fates.get(node.number)
    lines = [] if rejected or fate in (None, ACCEPTED) else [f"{FATE_MARKS[fate]} {fate}"]
    mark = f"{FATE_MARKS[ACCEPTED]} " if fate == ACCEPTED else ""
    name, *rest = described(snapshot, node)
    number = "" if place is None else f"%{place} "
    lines += [f"{mark}{number}{name}", *rest]
    look = _look(node, fate, bool(fates))
    _place(graph, f"n{node.number}", lines, tip(snapshot, node), look, rejected)


def described(snapshot: Snapshot, node: Node) -> list[str]:
    """A node in lines: its name, what it makes, its attributes, the constants it reads, a span."""
    lines = [_called(node), clip(node.tensor, _LINE)]
    lines += [clip(line, _LINE) for line in _wrapped(brief(node, snapshot))]
    lines += _constants(snapshot, node)
    return [*lines, clip(node.span, _LINE)] if node.span else lines


def tip(snapshot: Snapshot, node: Node) -> str:
    """The tooltip of a node."""
    words = [node.op or node.kind, node.tensor, *brief(node, snapshot), node.span or ""]
    return clip(" ".join(words), 300)


@dataclass(frozen=True)
class _Known:
    """How ops fared and which in running order they are, by row; and the rows of those that a
    reader may look up."""

    fates: Mapping[int, str]
    order: Mapping[int, int]
    told: set[int]
    vocabulary: Vocabulary

    def bad(self, call: Node) -> bool:
        """Did it fare other than well?"""
        return self.fates.get(call.number, ACCEPTED) != ACCEPTED

    def mark(self, call: Node) -> str:
        """The mark of its fate and a blank, if it has one."""
        return f"{FATE_MARKS[self.fates[call.number]]} " if call.number in self.fates else ""

    def name(self, call: Node) -> str:
        """Its name, and its number where that is needed."""
        if call.number not in self.told or call.number not in self.order:
            return _called(call)
        return f"{_called(call)} #{self.order[call.number]}"

    def tip(self, call: Node) -> str:
        """Its fate, number and name, as a tooltip lists them."""
        place = self.order.get(call.number)
        number = "" if place is None else f"%{place} "
        return f"{self.mark(call)}{number}{call.op or call.name or ''}"


def places(snapshot: Snapshot) -> dict[int, int]:
    """Which op in running order each row is."""
    return {node.number: place for place, node in enumerate(snapshot.executed())}


def _told(rejected_row: int | None, fates: Mapping[int, str]) -> set[int]:
    """The rows that the verdict and the table of the map speak of."""
    told = {
        row for row, fate in fates.items() if fate in (formatting.REJECTED, formatting.UNJUDGED)
    }
    return told | ({rejected_row} if rejected_row is not None else set())


def _add_group(graph: nx.DiGraph, place: int, group: Group, known: _Known) -> None:
    node = group.last
    fared = [known.fates[row] for row in _rows(group) if row in known.fates]
    worst = next((fate for fate in FATE_MARKS if fate in fared), None)
    lines = [] if group.rejected else _counted(fared)
    lines += [*_named(group, known, worst), clip(node.tensor, _LINE)]
    span = next((call.span for call in group.ops if call.span), None)
    if span and known.vocabulary.anchor_kind(node.op) is None:
        lines.append(clip(span, _LINE))
    tip = ", ".join(known.tip(call) for call in group.ops[:12])
    look = _look(node, worst, bool(known.fates))
    _place(graph, f"n{place}", lines, clip(tip, 400), look, group.rejected)


def _rows(group: Group) -> set[int]:
    """The rows that the group stands for: a fused function's call beside the ops inside."""
    return {group.last.number, *(call.number for call in group.ops)}


def _counted(fared: list[str]) -> list[str]:
    """A line for each thing that happened in a group but for acceptance, the worst first."""
    lines = []
    for fate, count in Counter(fared).items():
        if fate != ACCEPTED:
            of = f"{count} of {len(fared)} " if len(fared) > 1 else ""
            lines.append((list(FATE_MARKS).index(fate), f"{FATE_MARKS[fate]} {of}{fate}"))
    return [line for _, line in sorted(lines)]


def _named(group: Group, known: _Known, worst: str | None) -> list[str]:
    """The group's ops by name: those that fared badly, then the first."""
    several = len(_rows(group)) > 1
    if worst == formatting.UNREACHED:  # nothing to tell them apart by
        known = replace(known, fates=NO_FATES)
    is_note = known.vocabulary.is_note
    told = [call for call in group.ops if not is_note(call.op) or known.bad(call)]
    told = told or [group.last]
    first = sorted(range(len(told)), key=lambda i: (not known.bad(told[i]), i))[:_NAMES]
    names = [
        (known.mark(told[i]) if several and known.bad(told[i]) else "") + known.name(told[i])
        for i in sorted(first)
    ]
    if len(told) > _NAMES:
        names.append(f"{len(told) - _NAMES} more")
    if worst == ACCEPTED:
        names[0] = f"{FATE_MARKS[ACCEPTED]} {names[0]}"
    names[1:] = [f"+ {name}" for name in names[1:]]
    return [clip(line, _LINE) for line in _wrapped(names, " ")]


def _look(node: Node, fate: str | None, by_fate: bool) -> tuple[str, str]:
    """Class and shape. What has no fate among those that have one is an input: plain."""
    if fate is not None:
        return _LOOKS[fate]
    shape = "ellipse" if node.kind == "var" else "box"
    return ("m-input" if by_fate else f"d-{dtype_family(node.dtype)}"), shape


def _place(
    graph: nx.DiGraph,
    name: str,
    lines: list[str],
    tip: str,
    look: tuple[str, str],
    rejected: bool,
) -> None:
    if rejected:
        text = svg.label([REJECTED, *lines])
        graph.add_node(
            name,
            label=text,
            tip=f"{REJECTED}: {tip}",
            shape="octagon",
            peripheries=2,
            **{"class": f"{look[0]} rejected"},
        )
        return
    graph.add_node(name, label=svg.label(lines), tip=tip, shape=look[1], **{"class": look[0]})


def _add_stubs(graph: nx.DiGraph, snapshot: Snapshot, near: set[int]) -> None:
    """Say where the picture is cut: `…` above the ops whose producers are not in it."""
    for number in sorted(near):
        missing = [i for i in operands(snapshot, snapshot.nodes[number]) if i not in near]
        if missing:
            graph.add_node(f"s{number}", label="…", shape="plaintext", **{"class": "stub"})
            graph.add_edge(f"s{number}", f"n{number}", **{"class": "stub"})


def _add_data(
    graph: nx.DiGraph, drawn: Mapping[str, Sequence[Node]], order: Mapping[int, int]
) -> None:
    """What the viewer colours nodes by and leads to: the family of what each makes, and which ops
    in running order it stands for."""
    for name, nodes in drawn.items():
        ops = sorted({order[node.number] for node in nodes if node.number in order})
        graph.nodes[name]["data"] = {
            "dtype": dtype_family(nodes[-1].dtype),
            **({"ops": " ".join(map(str, ops))} if ops else {}),
        }


def _called(node: Node) -> str:
    if node.kind == "call":
        return clip(short(node.op), 30)
    return clip(node.name if node.kind == "var" and node.name else node.kind, 30)


def _wrapped(pieces: list[str], between: str = ", ") -> list[str]:
    """The pieces in as few lines as they fit."""
    lines: list[str] = []
    for piece in pieces:
        if lines and len(lines[-1]) + len(piece) < _LINE - 8:
            lines[-1] += f"{between}{piece}"
        else:
            lines.append(piece)
    return lines


def _constants(snapshot: Snapshot, node: Node) -> list[str]:
    inputs = node.inputs[:1] if snapshot.vocabulary.is_step(node.op) else node.inputs
    read = [snapshot.nodes[i] for i in inputs if 0 <= i < len(snapshot.nodes)]
    return [
        clip(f"with const {c.value if c.value is not None else c.tensor}", _LINE)
        for c in read
        if c.kind == "constant"
    ][:3]
