"""Halving: after which of many steps a result is wrong, and what "wrong" is. Knows no TVM."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

from ..diagnosis.first_failing import first_failing
from ..numerics.figures import error

BOUND_DB = 10.0
"""An SQNR below this is another result, where two ways to compute the same ops are compared: noise
of a third of the signal's amplitude, which is about what a cosine of 0.95 allows."""


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
    """A model's outputs, and whether it gives the same bits again."""

    outputs: list[np.ndarray]
    repeats: bool = True


@dataclass
class Judged:
    """What came of an experiment. `right` None: it could not be run, `why` says it."""

    right: bool | None
    figures: dict[str, Any] | None = None
    """Those of figures.error."""
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


def as_float(floats: list[np.ndarray], bound: float) -> Callable[[Ran], Judged]:
    """Judges a whole model: right is a cosine to `floats` of `bound` or more, the same each time,
    with no NaN or infinity of its own."""
    given = error(floats, floats)

    def judge(ran: Ran) -> Judged:
        figures = error(ran.outputs, floats)
        same = figures["max_abs_error"] == 0
        near = same or (figures["cosine"] is not None and figures["cosine"] >= bound)
        finite = all(figures[kind] <= given[kind] for kind in ("nan", "inf"))
        return Judged(bool(ran.repeats and near and finite), figures, ran.repeats)

    return judge


def as_trusted(trusted: list[np.ndarray]) -> Callable[[Ran], Judged]:
    """Judges a part of a model by the one of its results that is furthest from the trusted one:
    right is an SQNR of BOUND_DB or more. A result of nothing but zeros has no SQNR, and no say."""

    def judge(ran: Ran) -> Judged:
        if len(ran.outputs) != len(trusted):
            raise ValueError("it has another number of results")
        told = [b.size and np.any(b) for b in trusted]
        each = [error([a], [b]) for a, b, says in zip(ran.outputs, trusted, told) if says]
        worst = min(each, key=_sqnr, default=None)
        return Judged(bool(ran.repeats and _sqnr(worst) >= BOUND_DB), worst, ran.repeats)

    return judge


def _sqnr(figures: dict[str, Any] | None) -> float:
    """dB; infinite without any error, -infinite where nothing can be compared."""
    if figures is None:
        return float("inf")
    if figures["nan"] or figures["inf"]:
        return float("-inf")
    if figures["sqnr_db"] is not None:
        return float(figures["sqnr_db"])
    return float("inf") if figures["max_abs_error"] == 0 else float("-inf")


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
