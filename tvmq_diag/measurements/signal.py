"""The figures of an output of floating-point numbers against the float model's."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from .metrics import OverInputs
from .numerics import NotFinite

Array = NDArray[np.generic]
Floats = NDArray[np.float64]

_ROUNDING = 1e-14
"""A share of a power below which it is what float64 rounds away."""


class Figures(TypedDict):
    """Fields of OutputMetrics."""

    cosine: OverInputs
    sqnr_db: OverInputs
    gain: OverInputs
    sqnr_left_db: OverInputs
    max_abs_error: float | None
    nan: int
    inf: int
    floats: NotFinite
    not_finite_at: int | None
    zeros: int
    zeros_at: int | None


@dataclass(frozen=True)
class _Sums:
    """Of the values of an input, or of several, that are finite in both: powers and products.

    `worst` is the largest error; NaN where there are no values.
    """

    ours: float
    floats: float
    both: float
    noise: float
    worst: float

    def __add__(self, other: _Sums) -> _Sums:
        return _Sums(
            self.ours + other.ours,
            self.floats + other.floats,
            self.both + other.both,
            self.noise + other.noise,
            float(np.fmax(self.worst, other.worst)),
        )

    @property
    def cosine(self) -> float:
        """NaN where one of them is all zeros."""
        return _ratio(self.both, math.sqrt(self.ours) * math.sqrt(self.floats))

    @property
    def sqnr_db(self) -> float:
        """Infinite without any noise; NaN without anything."""
        return _decibels(self.floats, self.noise)

    @property
    def gain(self) -> float:
        return _ratio(self.both, self.floats)

    @property
    def sqnr_left_db(self) -> float:
        """Of ours divided by the gain."""
        if not self.both or not self.floats:
            return math.nan
        signal = self.both * self.both / self.floats
        noise = self.ours - signal
        return _decibels(signal, noise if noise > _ROUNDING * self.ours else 0.0)


def figures(ours: Array, floats: Array) -> Figures:
    """How far an output is from the float model's; [inputs, …] both. See outputs.compare."""
    each = [_sums(a, b) for a, b in zip(ours, floats, strict=True)]
    whole = reduce(_Sums.__add__, each)
    cosines = [sums.cosine for sums in each]
    finite = [cosine for cosine in cosines if math.isfinite(cosine)]
    mean = sum(finite) / len(finite) if finite else math.nan
    counts, given = [_not_finite(a) for a in ours], [_not_finite(b) for b in floats]
    more = (i for i, (a, b) in enumerate(zip(counts, given, strict=True)) if _exceeds(a, b))
    zeros = [i for i, sums in enumerate(each) if not sums.ours and sums.floats > 0]
    return Figures(
        cosine=_over(mean, cosines, lambda value: value),
        sqnr_db=_over(whole.sqnr_db, [s.sqnr_db for s in each], lambda value: value),
        gain=_over(whole.gain, [s.gain for s in each], _near_one),
        sqnr_left_db=_over(whole.sqnr_left_db, [s.sqnr_left_db for s in each], lambda value: value),
        max_abs_error=_finite(whole.worst),
        nan=sum(count.nan for count in counts),
        inf=sum(count.inf for count in counts),
        floats=NotFinite(sum(count.nan for count in given), sum(count.inf for count in given)),
        not_finite_at=next(more, None),
        zeros=len(zeros),
        zeros_at=zeros[0] if zeros else None,
    )


def difference(output: Array) -> float | None:
    """By how much an output differs between two inputs, as a multiple of its size; [inputs, …].

    The root mean square over all pairs of inputs; 0 to 2, and 0 where all is zero. Values that are
    not finite are left out. None with one input only.
    """
    count = len(output)
    if count < 2:
        return None
    first = _clean(output[0])
    squares, total, size = 0.0, np.zeros_like(first), 0.0
    for each in output:
        values = _clean(each)
        size += float(values @ values) / count
        values -= first  # so that what all have in common cannot drown what they have not
        squares += float(values @ values)
        total += values
    pairs = count * squares - float(total @ total)
    return math.sqrt(max(2 * pairs / (count * (count - 1)), 0.0) / size) if size else 0.0


def changing(output: Array) -> float | None:
    """The share of an output's places at which not all inputs give the same value; [inputs, …].

    None with one input only.
    """
    if len(output) < 2:
        return None
    places = (output != output[:1]).any(axis=0)
    return float(places.mean()) if places.size else 0.0


def varying(values: Array) -> Floats:
    """What a mean over the places takes away: the distances from it; last axis: places."""
    wide = np.asarray(values, np.float64)
    apart: Floats = wide - wide.mean(axis=-1, keepdims=True)
    return apart


def _not_finite(values: Array) -> NotFinite:
    nan, inf = np.count_nonzero(np.isnan(values)), np.count_nonzero(np.isinf(values))
    return NotFinite(int(nan), int(inf))


def _exceeds(ours: NotFinite, floats: NotFinite) -> bool:
    return ours.nan > floats.nan or ours.inf > floats.inf


def _clean(values: Array) -> Floats:
    """Flat, in float64, 0 for what is not finite."""
    flat = np.asarray(values, np.float64).ravel().copy()
    flat[~np.isfinite(flat)] = 0
    return flat


def _sums(ours: Array, floats: Array) -> _Sums:
    a, b = np.asarray(ours, np.float64).ravel(), np.asarray(floats, np.float64).ravel()
    both = np.isfinite(a) & np.isfinite(b)
    if not both.all():
        a, b = a[both], b[both]
    error = a - b
    worst = float(np.max(np.abs(error))) if a.size else math.nan
    return _Sums(float(a @ a), float(b @ b), float(a @ b), float(error @ error), worst)


def _over(mean: float, each: list[float], rank: Callable[[float], float]) -> OverInputs:
    """A figure over all inputs; the worst has the lowest `rank`, and NaN has none."""
    ranked = [i for i, value in enumerate(each) if not math.isnan(value)]
    at = min(ranked, key=lambda i: rank(each[i]), default=None)
    return OverInputs(_finite(mean), _finite(each[at]) if at is not None else None, at)


def _near_one(gain: float) -> float:
    """The closer to 1, the more; anything positive before anything that is not."""
    return -abs(math.log(gain)) if gain > 0 else gain - 1e9


def _ratio(above: float, below: float) -> float:
    return above / below if below else math.nan


def _decibels(signal: float, noise: float) -> float:
    if not noise:
        return math.inf if signal else math.nan
    return 10 * (math.log10(signal) - math.log10(noise)) if signal else -math.inf


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
