"""The ratio of two things timed in turn, with its uncertainty."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import msgspec

_T95 = (12.71, 4.303, 3.182, 2.776)
"""Two-sided 95 % quantiles of Student's t for 1 to 4 degrees of freedom."""

_BY_ORDER = 6
"""Pairs from which on an interval of the median reaches 95 % at all."""


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds of one inference."""

    min: float
    mean: float
    median: float
    max: float


class Ratio(msgspec.Struct, frozen=True):
    """A ratio and its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """ours/theirs, pair by pair (A B A B …), with its 95 % interval.

    Pairs cancel a drift of the machine's speed. From six pairs on it is the median of their ratios
    and an interval by their order alone (binomial), as other work on a shared machine makes some
    pairs wild; with fewer, the geometric mean and Student's t.

    Raises ValueError for fewer than two pairs.
    """
    logs = sorted(math.log(a / b) for a, b in zip(ours, theirs, strict=True))
    if len(logs) < 2:
        raise ValueError("an interval takes at least two pairs")
    if len(logs) >= _BY_ORDER:
        outside = _outside(len(logs))
        middle, low, high = statistics.median(logs), logs[outside], logs[-1 - outside]
    else:
        middle = statistics.fmean(logs)
        half = _T95[len(logs) - 2] * statistics.stdev(logs) / math.sqrt(len(logs))
        low, high = middle - half, middle + half
    return Ratio(math.exp(middle), math.exp(low), math.exp(high))


def _outside(count: int) -> int:
    """How many of `count` sorted values lie outside the median's 95 % interval on either side."""
    tail, outside = 0.0, -1
    while tail + math.comb(count, outside + 1) / 2**count <= 0.025:
        outside += 1
        tail += math.comb(count, outside) / 2**count
    return outside


def latency(times: Sequence[float]) -> Latency | None:
    """Summary of timed runs in ms; None without any."""
    if not times:
        return None
    return Latency(min(times), statistics.fmean(times), statistics.median(times), max(times))
