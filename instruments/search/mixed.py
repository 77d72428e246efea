"""Mixed precision: bits for each weight, where each gets as many as it needs.

What each weight does by itself is measured, all else in float; a model of how that adds up
(assignment.py) chooses bits for a budget; what it chose is run, corrected by exchanges that run
better, and run again.
"""

from __future__ import annotations

from . import assignment
from .assignment import NARROWEST, Noises
from .setting import WIDEST, Setting
from .trials import Trials

STEP = 0.5
"""Bits a value from one budget to the next."""

ALONE = (4, 3, 2, 5)
"""Bits at which each weight is measured by itself, as far as there is time for it."""

SHARE = 0.25
"""Of the time that is left, for measuring all weights at one width, and for one correction."""

EXCHANGES = 24
"""So many are tried where a budget does not do at first."""

COMPARED = (4, 5, 3, 6)
"""Averages at which uniform bits and assigned ones are held against each other."""


class Mixed:
    """`start` has the fields other than bits."""

    def __init__(self, trials: Trials, start: Setting) -> None:
        self._trials = trials
        self._start = start
        sizes = [weight.values for weight in trials.ranges.weights(start)]
        measured = _alone(trials, start.skip, len(sizes))
        self._weights = len(sizes)
        self._kept = Noises(measured, sizes, trials.ranges.widths)
        self._any = Noises(measured, sizes)

    def fewest(self, average: float) -> Setting | None:
        """The fewest bits a value that are right, from `average` down, in widths that weights are
        kept in; None if nothing is."""
        noises, looks_right = self._kept, []
        while average >= NARROWEST:
            setting = self._best(noises, average)
            if not self._trials.looks_right(setting):
                setting = self._corrected(setting, noises, average)
            if not self._trials.looks_right(setting):
                break
            looks_right.append(setting)
            average -= STEP
        return self._trials.last_right(looks_right)

    def compare(self) -> None:
        """Try uniform and assigned bits of equal averages on all inputs, in any width: so that it
        is seen what the assignment is good for."""
        for average in COMPARED:
            for setting in (self._best(self._any, average), self._uniform(average)):
                self._trials.of(setting, self._trials.inputs)
        for average in COMPARED:  # with what time is left
            setting = self._corrected(self._best(self._any, average), self._any, average)
            self._trials.of(setting, self._trials.inputs)

    def _best(self, noises: Noises, average: float) -> Setting:
        """What the model chooses; uniform bits where they run better."""
        settings = [self._with(assignment.assigned(noises, average))]
        if average in noises.widths:
            settings.append(self._uniform(int(average)))
        return min(settings, key=self._noise)

    def _corrected(self, setting: Setting, noises: Noises, average: float) -> Setting:
        """The same with bits exchanged as long as that runs better on a few inputs."""
        trials, best, tried = self._trials, setting, 0
        most = min(EXCHANGES, int(trials.affordable(SHARE) / trials.few))
        while tried < most:
            others = assignment.exchanges(best.weight_bits, noises, average)
            for bits in others[: most - tried]:
                other = best._replace(weight_bits=bits)
                tried += 1
                if self._noise(other) < self._noise(best):
                    best = other
                    break
            else:
                break
        return best

    def _uniform(self, bits: int) -> Setting:
        return self._with(str(bits) * self._weights)

    def _with(self, bits: str) -> Setting:
        return self._start._replace(nbit_weight=WIDEST, weight_bits=bits)

    def _noise(self, setting: Setting) -> float:
        return self._trials.of(setting, self._trials.few).noise


def _alone(trials: Trials, skip: tuple[int, ...], weights: int) -> list[dict[int, float]]:
    """The noise of each weight by itself, by bits."""
    measured: list[dict[int, float]] = [{} for _ in range(weights)]
    for bits in ALONE:
        inputs = int(trials.affordable(SHARE) / weights)
        if inputs < 1 and bits != ALONE[0]:
            break
        inputs = max(1, min(inputs, trials.few))
        for weight in range(weights):
            measured[weight][bits] = trials.alone(weight, skip, bits, inputs)
    return measured
