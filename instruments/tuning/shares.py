"""Whose turn it is: the task from which most can still be hoped for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Sequence

from .grid import Grid
from .tunable import Tunable

NOTICED = 0.01
"""Share of a model's tunable time below which nothing is to be gained."""


@dataclass
class State:
    """How far a task is. `right`: the points that were found to compute what the default does, with
    how nearly. `default_ms`: None where its own schedule cannot be timed. `stalled`: how many
    batches since one was better than all before; `exhausted`: no new point could be found."""

    number: int
    task: Tunable
    grid: Grid
    tried: dict[int, float | None] = field(default_factory=dict)
    right: dict[int, Any] = field(default_factory=dict)
    default_ms: float | None = None
    stalled: int = 0
    exhausted: bool = False

    @property
    def best(self) -> tuple[int, float] | None:
        """The fastest point and its ms."""
        ran = [(ms, point) for point, ms in self.tried.items() if ms is not None]
        if not ran:
            return None
        ms, point = min(ran)
        return point, ms

    @property
    def ratio(self) -> float:
        """The best, the default included, as a multiple of the default."""
        if self.best is None or not self.default_ms:
            return 1.0
        return min(1.0, self.best[1] / self.default_ms)

    @property
    def done(self) -> bool:
        """Is nothing left to try, or nothing to compare it with?"""
        return self.default_ms is None or self.exhausted or len(self.tried) >= self.grid.size

    @property
    def model_ms(self) -> float:
        """What it takes of the models, in ms an inference, as they were profiled; else by its own
        time and the number of its calls."""
        alone = self.default_ms or 0.0
        uses = self.task.uses.values()
        return sum(use.ms if use.ms is not None else alone * max(use.calls, 1) for use in uses)

    @property
    def hope(self) -> float:
        """ms of the models that it takes with its best schedule, less the longer it has stalled."""
        return self.model_ms * self.ratio / (1 + self.stalled)


def noticed(tasks: Sequence[Tunable]) -> list[Tunable]:
    """Those that have NOTICED of the profiled time of any model; of what was not profiled all."""
    totals: dict[str, float] = {}
    for task in tasks:
        for side, use in task.uses.items():
            totals[side] = totals.get(side, 0.0) + (use.ms or 0.0)

    def is_noticed(task: Tunable) -> bool:
        return any(
            use.ms is None or use.ms >= NOTICED * totals[side] for side, use in task.uses.items()
        )

    return [task for task in tasks if is_noticed(task)]


def turn(states: Sequence[State]) -> State | None:
    """The one to try more of; None where all are done.

    Where none gets better any more, each has batches in proportion to its time.
    """
    open_ones = [state for state in states if not state.done]
    return max(open_ones, key=lambda state: state.hope, default=None)
