"""What "right" is: of a whole model against float, and of a part of it computed in two ways.

Of a whole model it is what tvmq_diag.analysis.accuracy says of a run, on the inputs that are looked
at here, and of the output that was wrong there: that half of the project imports nothing of this
one but the protocol. A test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

from ..numerics import classes
from ..numerics.constant import is_constant
from ..numerics.figures import error
from ..numerics.pooling import varying
from ..protocol.jobs import MIN_AGREEMENT, MIN_COSINE, MIN_PLACES
from .search import Judged, Ran

BOUND_DB = 10.0
"""An SQNR below this is another result, where two ways to compute the same ops are compared: noise
of a third of the signal's amplitude, which is about what a cosine of 0.95 allows."""


@dataclass(frozen=True)
class Bounds:
    """From where on a whole model is right. `output` is the one that is judged; None: each."""

    cosine: float = MIN_COSINE
    agreement: float = MIN_AGREEMENT
    output: int | None = None


def as_float(floats: list[np.ndarray], bounds: Bounds) -> Callable[[Ran], Judged]:
    """Judges a whole model, whose outputs have the inputs as their first axis.

    Right is, for each input, a cosine to `floats` of the bound or more; of scores or integers a
    share of the bound or more that is the same (these inputs are those that show the fault: how
    sure that share is of others is not asked); the same each time; no NaN or infinity of its own;
    and not the same for every input where `floats` is not.

    The figures are those of figures.error, of the output that is furthest from float. Its cosine is
    that of the worst input; `same`: the share of classes or integers that are float's.
    """
    chosen = range(len(floats)) if bounds.output is None else [bounds.output]

    def judge(ran: Ran) -> Judged:
        if len(ran.outputs) != len(floats):
            raise ValueError("it has another number of outputs")
        pairs = [(ran.outputs[i], floats[i]) for i in chosen]
        each = [_figures(ours, reference) for ours, reference in pairs]
        right = ran.repeats and all(
            _right(figures, ours, reference, bounds)
            for figures, (ours, reference) in zip(each, pairs)
        )
        return Judged(bool(right), min(each, key=_nearness), ran.repeats)

    return judge


Judge = Callable[[Ran], Judged]


def in_place(simulated: np.ndarray | None, judge: Judge) -> Judge:
    """Judges as `judge` does, and what it finds right by what its last pooling reads besides.

    Right is, of the values that a mean over the places takes away, a cosine to those `simulated` of
    MIN_PLACES or more; it is added to the figures as `places`. Without a pooling it has no say.
    """

    def both(ran: Ran) -> Judged:
        judged = judge(ran)
        if simulated is None or ran.pooled is None or ran.pooled.shape != simulated.shape:
            return judged
        cosine = error([varying(ran.pooled)], [varying(simulated)])["cosine"]
        judged.figures = dict(judged.figures or {}, places=cosine)
        if cosine is not None and cosine < MIN_PLACES and judged.right:
            judged.right = False
        return judged

    return both


def as_trusted(trusted: Ran) -> Callable[[Ran], Judged]:
    """Judges a part of a model by the one of its results that is furthest from the trusted one:
    right is an SQNR of BOUND_DB or more. A result of nothing but zeros has no SQNR, and no say.

    What varies from place to place before the last pooling counts as one more result.
    """

    def judge(ran: Ran) -> Judged:
        if len(ran.outputs) != len(trusted.outputs):
            raise ValueError("it has another number of results")
        pairs = [*zip(ran.outputs, trusted.outputs), *_in_places(ran, trusted)]
        each = [error([a], [b]) for a, b in pairs if b.size and np.any(b)]
        worst = min(each, key=_sqnr, default=None)
        return Judged(bool(ran.repeats and _sqnr(worst) >= BOUND_DB), worst, ran.repeats)

    return judge


def _in_places(ran: Ran, trusted: Ran) -> list[tuple[np.ndarray, np.ndarray]]:
    """Nothing where one of them does not pool, or another tensor."""
    ours, theirs = ran.pooled, trusted.pooled
    if ours is None or theirs is None or ours.shape != theirs.shape:
        return []
    return [(varying(ours), varying(theirs))]


def _figures(ours: np.ndarray, floats: np.ndarray) -> dict[str, Any]:
    figures = error([ours], [floats])
    if floats.dtype.kind in "iub":
        return figures
    cosines = [error([a], [b])["cosine"] for a, b in zip(ours, floats) if np.any(b)]
    if cosines:
        figures["cosine"] = None if None in cosines else min(cosines)
    if classes.are_scores(floats):
        agreeing = classes.agreeing(ours, floats, classes.spread(floats))
        figures["same"] = float(agreeing.mean()) if agreeing.size else 1.0
    return figures


def _right(figures: dict[str, Any], ours: np.ndarray, floats: np.ndarray, bounds: Bounds) -> bool:
    given = error([floats], [floats])
    if any(figures[kind] > given[kind] for kind in ("nan", "inf")) or is_constant(ours, floats):
        return False
    if figures["max_abs_error"] == 0:
        return True
    if figures.get("same", 1.0) < bounds.agreement:
        return False
    cosine = figures["cosine"]
    return floats.dtype.kind in "iub" or (cosine is not None and cosine >= bounds.cosine)


def _nearness(figures: dict[str, Any]) -> tuple[bool, float, float]:
    """The less, the worse; without a cosine less than with one, unless nothing is wrong."""
    exact = figures["max_abs_error"] == 0
    cosine = figures["cosine"]
    return exact, figures.get("same", 1.0), -2.0 if cosine is None else cosine


def _sqnr(figures: dict[str, Any] | None) -> float:
    """dB; infinite without any error, -infinite where nothing can be compared."""
    if figures is None:
        return float("inf")
    if figures["nan"] or figures["inf"]:
        return float("-inf")
    if figures["sqnr_db"] is not None:
        return float(figures["sqnr_db"])
    return float("inf") if figures["max_abs_error"] == 0 else float("-inf")
