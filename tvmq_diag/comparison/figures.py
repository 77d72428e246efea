"""The numbers of two runs side by side: accuracy, and time to float."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..measurements.metrics import Metrics
from ..results.verdict import NOT_JUDGED, Verdict

COSINE, WORST, SQNR = "cosine", "worst cosine", "SQNR dB"
AGREEMENT, TOP1 = "agreement with float", "top-1 accuracy"
SHARE, TIME = "share of MACs in 8 bits or fewer", "time to float"

NOISE = 1e-6
"""Figures nearer to each other are equal: a sum in another order differs by as much."""


@dataclass(frozen=True)
class Tolerances:
    """How much worse is not worse: in cosine, in dB of SQNR, as a share of the time, and as a share
    of the classes that are the float model's, or the label."""

    cosine: float = 0.005
    sqnr_db: float = 1.0
    time: float = 0.03
    agreement: float = 0.05


@dataclass(frozen=True)
class Figure:
    """A number that changed. `worse`: by more than is tolerated. `about`: its interval, if any."""

    name: str
    old: float | None
    new: float | None
    worse: bool
    about: tuple[str, str] | None = None


def comparable(old: Verdict, new: Verdict) -> str | None:
    """Why figures of accuracy cannot be compared; None where they can."""
    before, now = old.metrics, new.metrics
    if before is None or now is None or before.inputs == now.inputs:
        return None
    return f"judged on {_inputs(now)}, before on {_inputs(before)}: accuracy is not comparable"


def accuracy(old: Verdict, new: Verdict, tolerances: Tolerances) -> list[Figure]:
    """The figures of accuracy that changed; none where they cannot be compared."""
    before, now = old.metrics, new.metrics
    judged = NOT_JUDGED not in (old.outcome, new.outcome)
    if before is None or now is None or not judged or comparable(old, new):
        return []
    # Of outputs that hold NaN or infinity the figures tell only a part.
    none = Metrics(None, None, None, None)
    before, now = (metrics if metrics.finite else none for metrics in (before, now))
    pairs = (
        (COSINE, before.cosine, now.cosine, tolerances.cosine),
        (WORST, _worst(before), _worst(now), 2 * tolerances.cosine),
        (SQNR, before.sqnr, now.sqnr, tolerances.sqnr_db),
        (AGREEMENT, _agreement(before), _agreement(now), tolerances.agreement),
        (TOP1, _top1(before), _top1(now), tolerances.agreement),
    )
    return [
        Figure(name, _finite(a), _finite(b), a is not None and (b is None or b < a - tolerance))
        for name, a, b, tolerance in pairs
        if not _equal(a, b)
    ]


def time(old: Verdict, new: Verdict, tolerances: Tolerances) -> list[Figure]:
    """Only where the intervals are apart: timing the same thing twice never gives the same."""
    before, now = old.ratio, new.ratio
    if before is None or now is None:
        return []
    slower = now.low > before.high and now.value > before.value * (1 + tolerances.time)
    faster = now.high < before.low and now.value < before.value * (1 - tolerances.time)
    about = f"[{before.low:.3f}, {before.high:.3f}]", f"[{now.low:.3f}, {now.high:.3f}]"
    return [Figure(TIME, before.value, now.value, slower, about)] if slower or faster else []


def _worst(metrics: Metrics) -> float | None:
    """Of one input it is the cosine again."""
    return metrics.worst_cosine if metrics.inputs > 1 else None


def _agreement(metrics: Metrics) -> float | None:
    agreement = metrics.agreement
    return agreement.right if agreement is not None else None


def _top1(metrics: Metrics) -> float | None:
    return metrics.accuracy.share if metrics.accuracy is not None else None


def _equal(a: float | None, b: float | None) -> bool:
    return a == b or (a is not None and b is not None and math.isclose(a, b, rel_tol=NOISE))


def _finite(value: float | None) -> float | None:
    """As JSON can hold it."""
    return value if value is not None and math.isfinite(value) else None


def _inputs(metrics: Metrics) -> str:
    return "1 input" if metrics.inputs == 1 else f"{metrics.inputs} inputs"
