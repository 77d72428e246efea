"""Each op followed through all steps of a compile.

A line is an op's life: it begins where the op first stands in a module, and goes on from step to
step for as long as the alignment (comparison.alignment) finds it again. Where ops were rewritten
into others, lines end and others begin: those `come_from` the ones that they stand in for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from .. import foreign
from ..comparison.alignment import Alignment, align
from ..trace.graph import RESULT, Graph, Op
from ..trace.trace import Trace
from .steps import Step

Replaced = tuple[tuple[int, ...], tuple[int, ...]]
"""Ops of one module, and those of the next that stand in for them."""


@dataclass
class Module:
    """The module of a step: its ops in running order, and the line of each."""

    step: int
    graph: Graph
    lines: list[int]

    @property
    def ops(self) -> Iterator[tuple[int, Op]]:
        """Each op with its line."""
        return zip(self.lines, self.graph.ops, strict=True)


@dataclass
class Lineage:
    """The modules of a compile, those alone that differ from the one before, and its lines.

    `come_from` are, for a line that began behind the model, those that it stands in for.
    """

    modules: list[Module] = field(default_factory=list)
    come_from: dict[int, tuple[int, ...]] = field(default_factory=dict)
    lines: int = 0

    def at(self, step: int) -> Module | None:
        """The module as it is behind a step; None before there is one."""
        behind = [module for module in self.modules if module.step <= step]
        return behind[-1] if behind else None


class Graphs:
    """The graphs of modules and how they are aligned: those of equal op tables once, as compiles of
    one model begin alike."""

    def __init__(self) -> None:
        self._graphs: dict[bytes | int, Graph] = {}
        self._alignments: dict[tuple[int, int], Alignment] = {}

    def of(self, trace: Trace, number: int) -> Graph | None:
        """The graph of a snapshot; None of one that has none, or cannot be read."""
        snapshot = trace.snapshot(number)
        if snapshot is None or not snapshot.nodes:
            return None
        try:
            key = _contents(trace, number) or id(snapshot)  # which lives as long as its graph
            if key not in self._graphs:
                self._graphs[key] = Graph(snapshot)
        except (LookupError, TypeError, ValueError):
            trace.problems.append(f"snapshot {number} is damaged")
            return None
        return self._graphs[key]

    def align(self, old: Graph, new: Graph) -> Alignment:
        """Two of them aligned."""
        key = id(old), id(new)  # they live as long as this does
        if key not in self._alignments:
            self._alignments[key] = align(old, new)
        return self._alignments[key]


def _contents(trace: Trace, number: int) -> bytes | None:
    """What tells an op table from others: of its bytes; None where there is no file of it."""
    table = trace.tables[number].table if number in trace.tables else None
    try:
        return hashlib.sha256(foreign.read(trace.path, table)).digest() if table else None
    except (OSError, ValueError):
        return None


def lineage(trace: Trace, steps: list[Step], graphs: Graphs | None = None) -> Lineage:
    """Follow the ops of a trace through its steps; what cannot be read is passed over.

    `graphs` are shared by the compiles of a run.
    """
    graphs = Graphs() if graphs is None else graphs
    found = Lineage()
    newest: int | None = None
    for number, step in enumerate(steps):
        if step.module is None or step.module == newest or not (step.changed or step.failed):
            continue
        graph = graphs.of(trace, step.module)
        if graph is None:
            continue
        newest = step.module
        found.modules.append(_follow(found, number, graph, graphs))
    return found


def _follow(found: Lineage, step: int, graph: Graph, graphs: Graphs) -> Module:
    """The next module, its ops on the lines of those that they were in the one before."""
    if not found.modules:
        found.lines = len(graph.ops)
        return Module(step, graph, list(range(len(graph.ops))))
    before = found.modules[-1]
    alignment = graphs.align(before.graph, graph)
    lines = [-1] * len(graph.ops)
    for i, j in alignment.pairs.items():
        lines[j] = before.lines[i]
    fused = _fused(before.graph)
    for ours, theirs in alignment.groups:
        for old, fresh in _lowered(before.graph, fused, graph, theirs) or [(ours, theirs)]:
            for i in fresh:
                lines[i] = found.lines
                found.lines += 1
                if old:
                    found.come_from[lines[i]] = tuple(before.lines[i] for i in old)
    return Module(step, graph, lines)


def _lowered(
    old: Graph, fused: list[tuple[int, ...]], new: Graph, ops: tuple[int, ...]
) -> list[Replaced]:
    """Which fused function each of these calls was, where they are calls of lowered functions.

    Lowering keeps the functions in their order. Where there are not as many, or one makes another
    type, nothing is claimed.
    """
    calls = [new.ops[i] for i in ops if new.ops[i].name != RESULT]
    if not fused or len(fused) != len(calls):
        return []
    made = [old.ops[function[-1]].node.tensor for function in fused]
    if made != [call.node.tensor for call in calls]:
        return []
    return [(function, (call.index,)) for function, call in zip(fused, calls, strict=True)]


def called(graph: Graph, op: Op) -> str | None:
    """The name of the lowered function that an op calls; None of an op that is one itself."""
    operands = (graph.snapshot.nodes[row] for row in op.node.inputs[:1])
    return next((node.name for node in operands if node.kind == "globalvar"), None)


def _fused(graph: Graph) -> list[tuple[int, ...]]:
    """The ops of each fused function that is called, in running order."""
    nodes = graph.snapshot.nodes
    index = {op.node.number: op.index for op in graph.ops}
    functions = []
    for node in nodes:
        if node.kind == "call" and node.callee is not None:
            inside, waiting = set[int](), [node.callee]
            while waiting:
                row = waiting.pop()
                if row not in inside:
                    inside.add(row)
                    waiting += nodes[row].inputs
            functions.append(tuple(sorted(index[row] for row in inside if row in index)))
    return sorted((ops for ops in functions if ops), key=lambda ops: ops[-1])
