"""Tuning: the default of each task, then schedules in turn, then the best of them in pairs.

A minimum over trials, each timed at another moment, is mostly the luckiest moment. So the best are
timed once more in rounds, in turn with the default: whoever reads these decides (see
tvmq_diag.measurements.tuning).
"""

from __future__ import annotations

import functools
import itertools
import os
import random
import time
from pathlib import Path
from typing import Any, Sequence

from ..recording.journal import Journal
from . import workers
from .grid import Grid
from .shares import State, noticed, turn
from .tunable import DEFAULT, Tunable, compared
from .workers import Limits, Outcome, Run

CANDIDATES = 2
"""So many of the fastest are timed in pairs, and of the fastest that keep the default's layout."""

_CHECKED = 12
"""So many of the fastest are looked at for those; each takes a second."""

_NEAR = 1.05
"""A single timing up to so many times the default's may be of a faster schedule."""

ROUNDS = 21
"""At most, of these pairs; an interval of their median needs six."""

_PAIRS_S = 3.0
"""For the rounds of one task."""


LIMITS = Limits()


class Search:
    """Of all tasks together. `records` is a folder with a file of lines for each task, which may
    know some from before, and gets what is tried."""

    def __init__(
        self,
        tasks: Sequence[Tunable],
        journal: Journal,
        records: Path,
        limits: Limits = LIMITS,
        seed: int = 0,
    ) -> None:
        self._journal = journal
        self._records = records
        self._limits = limits
        self._draw = random.Random(seed)
        self._workers = len(os.sched_getaffinity(0))
        worth = noticed(tasks)
        self.states = [State(i, task, Grid(task.choices)) for i, task in enumerate(worth)]

    def all(self, seconds: float) -> None:
        """Search for so long, then time the best of each task in pairs, which takes some more."""
        until = time.monotonic() + seconds
        self._records.mkdir(parents=True, exist_ok=True)
        self._begin()
        while time.monotonic() < until:
            next_one = turn(self.states)
            if next_one is None:
                break
            self._batch(next_one)
            self._tell(seconds - (until - time.monotonic()), seconds, next_one)
        for done, state in enumerate(self.states, 1):
            self._pairs(state)
            self._journal.event(
                "progress", what="timing the best in turn", done=done, of=len(self.states)
            )

    def _begin(self) -> None:
        """What is known of each task, and how fast its own schedule is."""
        for first in range(0, len(self.states), self._workers):
            states = self.states[first : first + self._workers]
            trials = [functools.partial(state.task.timer, DEFAULT) for state in states]
            for state, outcome in zip(states, workers.batch(trials, self._limits)):
                state.tried = dict(state.task.known(self._lines(state.task)))
                state.default_ms = outcome.value
                self._say(state, outcome)
        for state in self.states:
            self._verify_best(state)

    def _say(self, state: State, outcome: Outcome) -> None:
        """Where a task begins."""
        task = state.task
        self._journal.event(
            "task",
            number=state.number,
            name=task.name,
            text=task.text,
            points=state.grid.size,
            known=len(state.tried),
            ms=state.default_ms,
            error=outcome.error,
            uses={side: {"calls": use.calls, "ms": use.ms} for side, use in task.uses.items()},
        )

    def _batch(self, state: State) -> None:
        points = state.grid.next(state.tried, self._workers, self._draw, state.task.kept)
        before = state.best
        for point, outcome in zip(points, self._timed(state, points)):
            state.tried[point] = outcome.value
            self._keep(state.task, state.task.record(point, outcome.value, outcome.hung))
            self._journal.event(
                "trial", task=state.number, point=point, ms=outcome.value, error=outcome.error
            )
        self._verify_best(state)
        better = state.best is not None and (before is None or state.best[1] < before[1])
        state.stalled = 0 if better else state.stalled + 1
        state.exhausted = not points

    def _verify_best(self, state: State) -> None:
        """A best that computes something else is none; what is near it would be tried in vain."""
        while state.best is not None and state.best[1] < (state.default_ms or 0.0):
            if self._is_right(state, state.best[0]):
                break

    def _is_right(self, state: State, point: int) -> bool:
        """Does it compute what the default does? If not it counts as one that fails."""
        if point not in state.right:
            task, ms = state.task, state.tried[point]
            # Alone: a wrong schedule may write where it should not.
            check = workers.batch([functools.partial(_check, task, point)], self._limits)[0]
            if check.value is None or not check.value["same"]:
                state.tried[point] = None
                self._journal.event(
                    "wrong",
                    task=state.number,
                    point=point,
                    ms=ms,
                    outputs=check.value,
                    error=check.error,
                    record=task.record(point, ms, False),
                )
                self._keep(task, task.record(point, None, check.hung))
                return False
            state.right[point] = check.value
        return True

    def _timed(self, state: State, points: Sequence[int | None]) -> list[Outcome]:
        task = state.task
        trials = [functools.partial(task.timer, point) for point in points]
        return workers.batch(trials, self._limits)

    def _pairs(self, state: State) -> None:
        """The fastest in turn with the default: rounds of ms, and what they compute."""
        if state.default_ms is None:
            return
        task, points = state.task, self._candidates(state, state.default_ms)
        if not points:
            return
        rounds = workers.batch([functools.partial(_in_turn, task, points)], self._limits)[0]
        for place, point in enumerate(points):
            timed = rounds.value or [[]] * (1 + len(points))
            self._journal.event(
                "candidate",
                task=state.number,
                point=point,
                default_ms=timed[0],
                ms=timed[1 + place],
                keeps_layout=state.grid.inside(point, task.kept),
                outputs=state.right[point],
                error=rounds.error,
                record=task.record(point, state.tried[point], False),
            )

    def _candidates(self, state: State, default_ms: float) -> list[int]:
        """The fastest of all, and the fastest of those that keep the default's layout: where
        layouts change, so do the transforms between kernels, and a model of faster kernels may be
        slower."""
        ran = sorted(
            (ms, point)
            for point, ms in state.tried.items()
            if ms is not None and ms < _NEAR * default_ms
        )
        every = [point for _, point in ran]
        keeping = [point for point in every if state.grid.inside(point, state.task.kept)]
        return list(dict.fromkeys([*self._right(state, every), *self._right(state, keeping)]))

    def _right(self, state: State, points: Sequence[int]) -> list[int]:
        """The first of them that compute what the default does."""
        right = (point for point in points[:_CHECKED] if self._is_right(state, point))
        return list(itertools.islice(right, CANDIDATES))

    def _tell(self, done: float, of: float, state: State) -> None:
        name = f"{state.task.name} {state.task.text}: best {state.ratio:.2f} of the default"
        self._journal.event("progress", what=name, done=round(done), of=round(of))

    def _lines(self, task: Tunable) -> list[str]:
        try:
            return self._file(task).read_text(encoding="utf-8").splitlines()
        except OSError:
            return []

    def _keep(self, task: Tunable, line: str) -> None:
        with self._file(task).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def _file(self, task: Tunable) -> Path:
        return self._records / f"{task.key}.log"


def _in_turn(task: Tunable, points: Sequence[int]) -> Run:
    """The default and these points, round by round: the ms of each, in that order."""
    timers = [task.timer(point) for point in (DEFAULT, *points)]

    def rounds() -> list[list[float]]:
        times: list[list[float]] = [[] for _ in timers]
        until = time.monotonic() + _PAIRS_S
        for number in range(-1, ROUNDS):  # the first warms up
            shift = number % len(timers)
            order = [*range(shift, len(timers)), *range(shift)]
            ms = {place: timers[place]() for place in order}
            if number >= 0:
                for place, values in enumerate(times):
                    values.append(ms[place])
            if time.monotonic() > until:
                break
        return times

    return rounds


def _check(task: Tunable, point: int) -> Run:
    """Whether a point computes what the default does."""
    ours, theirs = task.outputs(point), task.outputs(DEFAULT)

    def check() -> Any:
        return compared(ours(), theirs()).to_json()

    return check
