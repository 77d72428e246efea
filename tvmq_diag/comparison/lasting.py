"""Which differences of a pass are still there behind later ones, and which of those depend on them:
that is what explains what came of it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from ..trace.stages import STAGES
from . import places
from .op_diff import REMOVED, REPLACED, Difference
from .pass_diff import DIFFERENT, Modules, PassDelta
from .sorts import Sort

_UP_TO = STAGES.index("fold")
"""Behind this stage the model's ops are fused and laid out anew: their places are others."""


def mark(modules: Modules, passes: list[PassDelta]) -> None:
    """Say of each difference of the first pass that differs whether it lasts, and of each sort of
    them how many of the later ones are at it, or at what is computed from it.

    Looked at is the last pass of quantize() with a difference at any place of the model that the
    first one has a difference at; without such a pass nothing is said, nor of a place that is not
    to be found in both modules behind it.
    """
    differing = [delta for delta in passes if delta.differs]
    if not differing or differing[0].state != DIFFERENT:
        return
    first, *later = differing
    looking = _Places(modules)
    here = looking.of(first)
    for delta in reversed(later):
        if delta.state != DIFFERENT or delta.stage not in STAGES[: _UP_TO + 1]:
            continue
        there = set(looking.of(delta))
        if there.intersection(here):
            equal = looking.shared(delta) - there
            first.differences = [
                replace(difference, lasts=place in there if place in there | equal else None)
                for difference, place in zip(first.differences, here, strict=True)
            ]
            first.later, first.left = delta.name, len(delta.differences)
            first.dependent = [looking.dependent(sort, first, delta) for sort in first.sorts]
            return


class _Places:
    """Places in the model, with the same number for the same place in all modules."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._numbers: dict[Hashable, int] = {}
        self._computed: dict[tuple[int, int | None], list[int]] = {}

    def of(self, delta: PassDelta) -> list[int]:
        """The place of each difference of a pass that both compiles ran."""
        return [self._of(difference, delta) for difference in delta.differences]

    def shared(self, delta: PassDelta) -> set[int]:
        """The places that the two modules of a pass both have."""
        return set(self._in(0, delta.old)).intersection(self._in(1, delta.new))

    def dependent(self, sort: Sort, first: PassDelta, later: PassDelta) -> int:
        """How many differences of a later pass are at an op of the model that a sort of the first
        pass is at, or read, near or far, what that op makes."""
        starts = {self._exact(*_side(one, first))[one.op.index] for one in sort.differences}
        reached = {
            side: self._reached(side, number, starts)
            for side, number in ((0, later.old), (1, later.new))
        }
        return sum(reached[_side(one, later)[0]][one.op.index] for one in later.differences)

    def _reached(self, side: int, number: int | None, starts: set[int]) -> list[bool]:
        graph = self._modules.graph(side, number)
        assert graph is not None  # there is a difference in it
        reached: list[bool] = []
        for op, place in zip(graph.ops, self._exact(side, number), strict=True):
            reached.append(place in starts or any(reached[i] for i in op.reads))
        return reached

    def _of(self, difference: Difference, delta: PassDelta) -> int:
        return self._in(*_side(difference, delta))[difference.op.index]

    def _exact(self, side: int, number: int | None) -> list[int]:
        """The places of a module's ops, with who reads them: of two that compute the same from the
        same, each has its own."""
        graph = self._modules.graph(side, number)
        assert graph is not None  # there is a difference in it
        computed = self._in(side, number)
        both = zip(computed, places.read_by(graph, computed, self._number), strict=True)
        return [self._number(("exactly", *place)) for place in both]

    def _in(self, side: int, number: int | None) -> list[int]:
        if (side, number) not in self._computed:
            graph = self._modules.graph(side, number)
            assert graph is not None  # there is a difference in it
            self._computed[side, number] = places.computed(graph, self._number)
        return self._computed[side, number]

    def _number(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers))


def _side(difference: Difference, delta: PassDelta) -> tuple[int, int | None]:
    """In which module its op is numbered: the side, and the snapshot."""
    old = difference.kind in (REMOVED, REPLACED)
    return (0, delta.old) if old else (1, delta.new)
