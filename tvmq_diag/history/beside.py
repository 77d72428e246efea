"""Two compiles of one model, step beside step, their ops on the same lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rapidfuzz.distance import Indel

from .lineage import Graphs, Lineage, Module
from .steps import Step

Pair = tuple[int | None, int | None]
"""A step of the old compile and one of the new, by number; None where only one has it."""


@dataclass
class Beside:
    """The steps of two compiles in pairs, and the new one's ops on lines of the old one's.

    `differs` is the first pair whose modules are not alike; None where all are.
    """

    pairs: list[Pair]
    new: Lineage
    differs: int | None = None


def beside(
    old: tuple[list[Step], Lineage], new: tuple[list[Step], Lineage], graphs: Graphs
) -> Beside:
    """Put the new compile beside the old one. `graphs` are those that both were followed with."""
    pairs = list(_pairs(old[0], new[0]))
    lines: dict[int, int] = {}
    taken: set[int] = set()
    differs = None
    for number, (a, b) in enumerate(pairs):
        here = old[1].at(a) if a is not None else None
        there = new[1].at(b) if b is not None else None
        if here is None or there is None:
            changes = (old[0][a].changed if a is not None else False) or (
                new[0][b].changed if b is not None else False
            )
            differs = number if differs is None and changes else differs
            continue
        if here.graph is not there.graph and differs is None:
            differs = number if _differ(here, there, graphs) else None
        for i, j in graphs.align(here.graph, there.graph).pairs.items():
            if there.lines[j] not in lines and here.lines[i] not in taken:
                lines[there.lines[j]] = here.lines[i]
                taken.add(here.lines[i])
    return Beside(pairs, _on(lines, new[1], old[1].lines), differs)


def _pairs(old: list[Step], new: list[Step]) -> Iterator[Pair]:
    """Steps of one name in the same order; the others where they stand."""
    for block in Indel.opcodes([step.name for step in old], [step.name for step in new]):
        ours = range(block.src_start, block.src_end)
        theirs = range(block.dest_start, block.dest_end)
        if block.tag == "equal":
            yield from zip(ours, theirs, strict=True)
        else:
            yield from ((i, None) for i in ours)
            yield from ((None, j) for j in theirs)


def _differ(here: Module, there: Module, graphs: Graphs) -> bool:
    """Is anything about these two modules not alike?"""
    alignment = graphs.align(here.graph, there.graph)
    old, new = here.graph.ops, there.graph.ops
    if len(alignment.pairs) != max(len(old), len(new)):
        return True
    return any(
        old[i].fixed != new[j].fixed
        or [alignment.pairs[k] for k in old[i].reads] != list(new[j].reads)
        for i, j in alignment.pairs.items()
    )


def _on(lines: dict[int, int], new: Lineage, first: int) -> Lineage:
    """The new compile's lines as the old one's; those that it has not come after all of them."""

    def line(own: int) -> int:
        return lines.get(own, first + own)

    modules = [
        Module(module.step, module.graph, [line(own) for own in module.lines])
        for module in new.modules
    ]
    born = {line(own): tuple(map(line, parents)) for own, parents in new.come_from.items()}
    return Lineage(modules, born, first + new.lines)
