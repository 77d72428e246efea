"""Which schedule to try next, without a cost model: at random, and near the best so far."""

from __future__ import annotations

import random
from typing import Mapping, Sequence

LISTED = 20_000
"""Up to so many points a space is looked through; of a larger one points are drawn."""

_BEST = 3
"""The neighbours of so many of the best are tried."""

Timed = Mapping[int, "float | None"]
"""What was tried, by point: ms; None of what failed."""


class Grid:
    """A space of schedules: for each knob so many choices. A point is a number: that of its first
    knob's choice and, for each further knob, its choice times the choices before it, as AutoTVM
    counts them (python/tvm/autotvm/task/space.py, ConfigSpace.get)."""

    def __init__(self, choices: Sequence[int]) -> None:
        self.choices = list(choices)
        self.size = 1
        for count in self.choices:
            self.size *= count

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

    def next(self, tried: Timed, count: int, draw: random.Random) -> list[int]:
        """Up to `count` points that were not tried: half of them neighbours of the best."""
        fresh: list[int] = []
        near = self._near(tried)
        draw.shuffle(near)
        fresh += near[: count // 2]
        for point in self._anywhere(tried, count, draw):
            if len(fresh) < count and point not in fresh:
                fresh.append(point)
        return fresh

    def _near(self, tried: Timed) -> list[int]:
        """Points not tried that differ from one of the best in one knob."""
        ran = sorted((ms, point) for point, ms in tried.items() if ms is not None)
        found = set()
        for _, point in ran[:_BEST]:
            knobs = self.knobs(point)
            for place, choices in enumerate(self.choices):
                for choice in range(choices):
                    found.add(self.point([*knobs[:place], choice, *knobs[place + 1 :]]))
        return sorted(found - set(tried))

    def _anywhere(self, tried: Timed, count: int, draw: random.Random) -> list[int]:
        if self.size <= LISTED:
            left = [point for point in range(self.size) if point not in tried]
            return draw.sample(left, min(len(left), 2 * count))
        drawn = (draw.randrange(self.size) for _ in range(10 * count))
        return [point for point in drawn if point not in tried]
