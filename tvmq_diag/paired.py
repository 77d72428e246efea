"""The ratio of two things timed in turn, with its uncertainty."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

# Two-sided 95 % quantiles of Student's t for 1, 2, … degrees of freedom.
_T95 = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
_T95_MANY = 2.1


@dataclass(frozen=True)
class Ratio:
    """A ratio and its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """ours/theirs, pair by pair (A B A B …): geometric mean and its interval by Student's t.

    Pairs cancel a drift of the machine's speed. Raises ValueError for fewer than two pairs.
    """
    logs = [math.log(a / b) for a, b in zip(ours, theirs, strict=True)]
    if len(logs) < 2:
        raise ValueError("an interval takes at least two pairs")
    middle = statistics.fmean(logs)
    freedom = len(logs) - 1
    t = _T95[freedom - 1] if freedom <= len(_T95) else _T95_MANY
    half = t * statistics.stdev(logs) / math.sqrt(len(logs))
    return Ratio(math.exp(middle), math.exp(middle - half), math.exp(middle + half))
