"""Halving: after which of many steps a result is wrong. Knows no TVM, and not what "wrong" is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

from ..diagnosis.first_failing import first_failing


class OutOfTime(Exception):
    """There was time for no more experiments."""


class Clock:
    """How long experiments may go on, in seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._until = time.perf_counter() + seconds

    @property
    def left(self) -> bool:
        return time.perf_counter() < self._until

    def check(self) -> None:
        """Raises OutOfTime."""
        if not self.left:
            raise OutOfTime


@dataclass
class Ran:
    """A model's outputs, with the inputs as their first axis; does it give the same bits again?

    `pooled`: what its last pooling reads, [inputs, channels, places]; None where there is none.
    """

    outputs: list[np.ndarray]
    repeats: bool = True
    pooled: np.ndarray | None = None


@dataclass
class Judged:
    """What came of an experiment. `right` None: it could not be run, `why` says it."""

    right: bool | None
    figures: dict[str, Any] | None = None
    """Those of figures.error, and what rightness.as_float adds."""
    repeats: bool | None = None
    why: str | None = None

    @property
    def wrong(self) -> bool:
        return self.right is False


def attempted(run: Callable[[], Ran], judge: Callable[[Ran], Judged]) -> Judged:
    """Run and judge it; what is raised says why it cannot be."""
    try:
        return judge(run())
    except Exception as failure:
        lines = [line.strip() for line in str(failure).splitlines() if line.strip()]
        return Judged(None, why=f"{type(failure).__name__}: {lines[-1] if lines else ''}"[:300])


@dataclass
class Turn:
    """With the first `count` steps it is wrong. `right_before`: with fewer, the most that could be
    run, it is right. `exact`: that is one step less, and run anew it was wrong again."""

    count: int
    right_before: int
    exact: bool


def turn(total: int, judged: Callable[[int], Judged], clock: Clock) -> Turn | None:
    """Where a result turns wrong, by halving; None if all `total` steps together are not wrong.

    `judged` judges it after the first so many steps.

    Halving takes for granted that what is wrong stays so with more steps. So the place is looked at
    again: with one step less (or the most of the few before it that can be run) it must be right.

    Raises OutOfTime.
    """
    tried: dict[int, Judged] = {}

    def wrong(count: int) -> bool:
        clock.check()
        tried[count] = judged(count)
        return tried[count].wrong

    last = first_failing(total, wrong).index
    if last is None:
        return None
    count = last + 1
    before = count - 1
    while before > 0 and count - before < _FEW:
        clock.check()
        if before not in tried:
            tried[before] = judged(before)
        if tried[before].right is not None:
            break
        before -= 1
    right = before == 0 or (before in tried and tried[before].right is True)
    exact = right and count - before == 1 and clock.left and judged(count).wrong
    return Turn(count, before, exact)


_FEW = 6
"""So many steps in a row may be impossible to run up to."""
