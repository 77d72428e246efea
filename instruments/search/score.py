"""How good a trial is, by its outputs."""

from __future__ import annotations

from typing import NamedTuple, Sequence

import numpy as np

from ..numerics import classes
from ..numerics.constant import is_constant
from ..numerics.figures import error
from ..protocol.jobs import MIN_AGREEMENT, MIN_COSINE
from ..protocol.shares import wilson

_LEAST = 0.05
"""A cosine below this says nothing of how much noise there is."""

Outputs = Sequence[np.ndarray]
"""Of one run, each as (rows, …)."""


class Score(NamedTuple):
    """Cosine to the float model. What holds no finite number at all has -1."""

    worst: float
    cosine: float
    sqnr_db: float | None
    same: float | None
    noise: float = 0.0
    """Noise power for each signal power, in the mean of the inputs, a gain error left out."""
    right: bool = False
    """By the bounds of the trials."""


class Bounds(NamedTuple):
    """What is right: a cosine of the worst input of at least `cosine`; of rows of scores a share
    with float's top-1, close calls counted, that is not surely less than `agreement` (95 %
    confidence); and no output that is the same for each input where float's is not: as
    tvmq_diag.analysis.accuracy judges what was compiled."""

    cosine: float = MIN_COSINE
    agreement: float = MIN_AGREEMENT


class Judge:
    """Holds the outputs of runs against those of the float model on the same inputs."""

    def __init__(self, floats: Sequence[Outputs], bounds: Bounds) -> None:
        self._floats = floats
        self._bounds = bounds
        self._spreads = [
            classes.spread(output) if classes.are_scores(output) else None
            for output in _stacked(floats)
        ]
        """Of the scores of each output; None of what is no scores."""

    def score(self, runs: Sequence[Outputs]) -> Score:
        """Of runs on the first inputs."""
        figures = [error(list(ours), list(floats)) for ours, floats in zip(runs, self._floats)]
        cosines = [-1.0 if one["cosine"] is None else float(one["cosine"]) for one in figures]
        decibels = [one["sqnr_db"] for one in figures if one["sqnr_db"] is not None]
        ours, floats = _stacked(runs), _stacked(self._floats[: len(runs)])
        scored = [
            (a, b, spread)
            for a, b, spread in zip(ours, floats, self._spreads)
            if spread is not None
        ]
        same = [row for a, b, _ in scored for row in classes.same(a, b).ravel()]
        agreeing = [row for one in scored for row in classes.agreeing(*one).ravel()]
        right = (
            min(cosines) >= self._bounds.cosine
            and (not agreeing or _at_most(agreeing) >= self._bounds.agreement)
            and not any(map(is_constant, ours, floats))
        )
        return Score(
            min(cosines),
            sum(cosines) / len(cosines),
            sum(decibels) / len(decibels) if decibels else None,
            float(np.mean(same)) if same else None,
            sum(max(cosine, _LEAST) ** -2 - 1 for cosine in cosines) / len(cosines),
            right,
        )


def _at_most(agreeing: Sequence[bool]) -> float:
    """The share that it may be, with 95 % confidence."""
    return wilson(int(sum(agreeing)), len(agreeing))[1]


def _stacked(runs: Sequence[Outputs]) -> list[np.ndarray]:
    """Each output of all runs as one, the runs as its first axis."""
    return [np.stack(outputs) for outputs in zip(*runs)]
