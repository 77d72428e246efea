"""Which schedule to try next, without a cost model: at random, and near the best so far."""

from __future__ import annotations

import itertools
import math
import random
from typing import Mapping, Sequence

LISTED = 20_000
"""Up to so many points a space is looked through; of a larger one points are drawn."""

_BEST = 3
"""The neighbours of so many of the best are tried."""

Timed = Mapping[int, "float | None"]
"""What was tried, by point: ms; None of what failed."""


_NONE: Mapping[int, int] = {}


class Grid:
    """A space of schedules: for each knob so many choices. A point is a number: that of its first
    knob's choice and, for each further knob, its choice times the choices before it, as AutoTVM
    counts them (python/tvm/autotvm/task/space.py, ConfigSpace.get)."""

    def __init__(self, choices: Sequence[int]) -> None:
        self.choices = list(choices)
        self.size = math.prod(self.choices)

    def knobs(self, point: int) -> list[int]:
        """The choice of each knob."""
        result = []
        for count in self.choices:
            point, choice = divmod(point, count)
            result.append(choice)
        return result

    def point(self, knobs: Sequence[int]) -> int:
        """The point with these choices."""
        result = 0
        for count, choice in zip(reversed(self.choices), reversed(list(knobs))):
            result = result * count + choice
        return result

    def inside(self, point: int, kept: Mapping[int, int]) -> bool:
        """Has it these choices of these knobs?"""
        knobs = self.knobs(point)
        return all(knobs[place] == choice for place, choice in kept.items())

    def next(
        self, tried: Timed, count: int, draw: random.Random, kept: Mapping[int, int] = _NONE
    ) -> list[int]:
        """Up to `count` points that were not tried: one with the choices `kept` while there are
        such, then neighbours of the best and others in turn."""
        keeping = self._keeping(tried, kept) if kept else []
        near, others = self._near(tried), self._anywhere(tried, count, draw)
        for points in (keeping, near):
            draw.shuffle(points)
        mixed = [point for pair in itertools.zip_longest(near, others) for point in pair]
        fresh = dict.fromkeys(point for point in [*keeping[:1], *mixed] if point is not None)
        return list(fresh)[:count]

    def _keeping(self, tried: Timed, kept: Mapping[int, int]) -> list[int]:
        """Points not tried with these choices."""
        each = [
            [kept[place]] if place in kept else range(count)
            for place, count in enumerate(self.choices)
        ]
        if math.prod(map(len, each)) > LISTED or any(choice < 0 for choice in kept.values()):
            return []
        points = (self.point(knobs) for knobs in itertools.product(*each))
        return [point for point in points if point not in tried]

    def _near(self, tried: Timed) -> list[int]:
        """Points not tried that differ from one of the best in one knob."""
        ran = sorted((ms, point) for point, ms in tried.items() if ms is not None)
        near = set()
        for _, point in ran[:_BEST]:
            knobs = self.knobs(point)
            for place, choices in enumerate(self.choices):
                for choice in range(choices):
                    near.add(self.point([*knobs[:place], choice, *knobs[place + 1 :]]))
        return sorted(near - set(tried))

    def _anywhere(self, tried: Timed, count: int, draw: random.Random) -> list[int]:
        if self.size <= LISTED:
            untried = [point for point in range(self.size) if point not in tried]
            return draw.sample(untried, min(len(untried), 2 * count))
        drawn = (draw.randrange(self.size) for _ in range(10 * count))
        return [point for point in drawn if point not in tried]
