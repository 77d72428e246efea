"""How far a model's outputs are from the float model's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .metrics import LEAD, Metrics, OutputMetrics, interval

Array = NDArray[np.generic]

_LABELS = "labels"


@dataclass(frozen=True)
class Outputs:
    """What a model gave: each output as [inputs, *shape], and the labels of its inputs: int64
    [inputs, batch], -1 for none; None without any."""

    arrays: list[Array]
    labels: NDArray[np.int64] | None = None


def load(path: Path, inputs: int | None) -> Outputs:
    """The outputs that a TVM process saved (output0, output1, …, labels).

    `inputs` None: of one input, without an axis for it. Raises OSError or ValueError.
    """
    with np.load(path, allow_pickle=False) as saved:
        named = {name: saved[name] for name in saved.files}
    labels = named.pop(_LABELS, None)
    arrays = [named[f"output{i}"] for i in range(len(named))]
    return Outputs([array[None] for array in arrays] if inputs is None else arrays, labels)


def compare(ours: Outputs, floats: Outputs) -> Metrics:
    """Metrics against the float model's outputs on the same inputs, whose labels count.

    Cosine, SQNR, error and factor are of the values that are finite in both, and None where they
    are not finite themselves, or there are no such values: no noise at all gives an sqnr_db of None
    with a max_abs_error of 0. Outputs that are integers in the float model have no part in them.
    instruments.numerics.figures.error says the same of a tensor inside a TVM process, where this
    package is not to be had; a test holds the two together.

    Raises ValueError when shapes differ.
    """
    if [a.shape for a in ours.arrays] != [b.shape for b in floats.arrays]:
        raise ValueError("the outputs have other shapes than the float model's")
    pairs = list(zip(ours.arrays, floats.arrays, strict=True))
    inputs = len(floats.arrays[0]) if floats.arrays else 0
    values = [(a, b) for a, b in pairs if not _is_integer(b)]
    whole = [_added([_sums(a[i], b[i]) for a, b in values]) for i in range(inputs)]
    total = _added(whole)
    cosines = [sums.cosine for sums in whole]
    worst = min(range(inputs), key=lambda i: _or_zero(cosines[i]), default=None)
    agreeing, decided = _agreeing(pairs)
    clear = agreeing[decided]
    top1, float_top1, labelled = _labelled(ours, floats)
    return Metrics(
        _mean(cosines),
        total.sqnr_db,
        total.largest if values else None,
        _share(agreeing),
        total.nan,
        total.inf,
        inputs,
        cosines[worst] if worst is not None else None,
        whole[worst].sqnr_db if worst is not None else None,
        worst,
        total.factor,
        total.factor_sqnr_db,
        clear.size,
        _share(clear),
        interval(int(clear.sum()), clear.size),
        _equal([(a, b) for a, b in pairs if _is_integer(b)]),
        _same(ours.arrays) and not _same(floats.arrays),
        _difference(floats.arrays),
        labelled,
        top1,
        float_top1,
        [_of_output(a, b) for a, b in pairs],
    )


@dataclass(frozen=True)
class _Sums:
    """Of the values that are finite in both: power of ours, of the float model's, of the noise;
    their product; the largest error (None of no values); and what is not finite."""

    ours: float = 0.0
    floats: float = 0.0
    noise: float = 0.0
    product: float = 0.0
    largest: float | None = None
    nan: int = 0
    inf: int = 0

    @property
    def cosine(self) -> float | None:
        """In [-1, 1]; None where one side is zero."""
        size = math.sqrt(self.ours) * math.sqrt(self.floats)
        return _finite(self.product / size) if size > 0 else None

    @property
    def sqnr_db(self) -> float | None:
        """None without signal or without noise."""
        return _decibels(self.floats, self.noise)

    @property
    def factor(self) -> float | None:
        """Ours as a multiple of the float model's, by least squares."""
        return _finite(self.product / self.floats) if self.floats > 0 else None

    @property
    def factor_sqnr_db(self) -> float | None:
        """The SQNR of ours times the factor that fits the float model's best."""
        if not self.ours > 0:
            return None
        return _decibels(self.floats, self.floats - self.product**2 / self.ours)


def _sums(a: Array, b: Array) -> _Sums:
    x, y = np.asarray(a, np.float64).ravel(), np.asarray(b, np.float64).ravel()
    nan, inf = int(np.count_nonzero(np.isnan(x))), int(np.count_nonzero(np.isinf(x)))
    both = np.isfinite(x) & np.isfinite(y)
    if not both.all():
        x, y = x[both], y[both]
    noise = x - y
    largest = float(np.max(np.abs(noise))) if x.size else None
    return _Sums(float(x @ x), float(y @ y), float(noise @ noise), float(x @ y), largest, nan, inf)


def _added(parts: list[_Sums]) -> _Sums:
    return _Sums(
        sum(part.ours for part in parts),
        sum(part.floats for part in parts),
        sum(part.noise for part in parts),
        sum(part.product for part in parts),
        max((part.largest for part in parts if part.largest is not None), default=None),
        sum(part.nan for part in parts),
        sum(part.inf for part in parts),
    )


def _of_output(a: Array, b: Array) -> OutputMetrics:
    if _is_integer(b):
        return OutputMetrics(equal=_equal([(a, b)]))
    each = [_sums(a[i], b[i]) for i in range(len(b))]
    total, cosines = _added(each), [sums.cosine for sums in each]
    return OutputMetrics(
        None,
        _mean(cosines),
        min(cosines, key=_or_zero, default=None),
        total.sqnr_db,
        total.factor,
        total.factor_sqnr_db,
        _share(_agreeing([(a, b)])[0]),
    )


def _is_integer(floats: Array) -> bool:
    return floats.dtype.kind in "iub"


def _is_scores(floats: Array) -> bool:
    """[inputs, batch, classes], in float."""
    return floats.ndim == 3 and floats.shape[-1] > 1 and not _is_integer(floats)


def _agreeing(pairs: list[tuple[Array, Array]]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of each row of scores: is its top-1 the float model's, and is that clear of the second?"""
    scores = [(a, b) for a, b in pairs if _is_scores(b)]
    if not scores:
        return np.zeros(0, bool), np.zeros(0, bool)
    agree = [(_top1(a) == _top1(b)).ravel() for a, b in scores]
    return np.concatenate(agree), np.concatenate([_decided(b).ravel() for _, b in scores])


def _decided(scores: Array) -> NDArray[np.bool_]:
    """See Metrics.decided."""
    top = np.sort(np.asarray(scores, np.float64), axis=-1)
    return np.asarray(top[..., -1] - top[..., -2] >= LEAD * (top[..., -1] - top[..., 0]))


def _share(rows: NDArray[np.bool_]) -> float | None:
    return float(rows.mean()) if rows.size else None


def _labelled(ours: Outputs, floats: Outputs) -> tuple[float | None, float | None, int]:
    """Top-1 of both on the rows with a label, by the first scores, and how many rows those are."""
    labels = floats.labels
    place = next((i for i, b in enumerate(floats.arrays) if _is_scores(b)), None)
    if labels is None or place is None or labels.shape != floats.arrays[place].shape[:2]:
        return None, None, 0
    there = labels >= 0
    if not there.any():
        return None, None, 0
    right = [(_top1(side.arrays[place]) == labels)[there] for side in (ours, floats)]
    return float(right[0].mean()), float(right[1].mean()), int(there.sum())


def _top1(scores: Array) -> NDArray[np.intp]:
    return np.asarray(np.argmax(scores, axis=-1))


def _equal(pairs: list[tuple[Array, Array]]) -> float | None:
    """The share of equal values."""
    size = sum(b.size for _, b in pairs)
    return sum(int(np.count_nonzero(a == b)) for a, b in pairs) / size if size else None


def _same(arrays: list[Array]) -> bool:
    """Are all outputs the same for every input? False of a single one."""
    several = bool(arrays) and len(arrays[0]) > 1
    return several and all(bool((array == array[:1]).all()) for array in arrays)


def _difference(floats: list[Array]) -> float | None:
    """See Metrics.difference."""
    if not floats or len(floats[0]) < 2:
        return None
    values = [array for array in floats if not _is_integer(array)]
    if not values:
        return 0.0 if _same(floats) else 1.0
    neighbours = range(len(floats[0]) - 1)
    return float(np.median([_apart(values, i, i + 1) for i in neighbours]))


def _apart(values: list[Array], i: int, j: int) -> float:
    """Distance over size, of the larger side; 0 where both are zero."""
    sums = _added([_sums(array[i], array[j]) for array in values])
    size = max(sums.ours, sums.floats)
    return math.sqrt(sums.noise / size) if size > 0 else 0.0


def _mean(values: list[float | None]) -> float | None:
    """None where there is none, or all are None; a None among others counts as 0."""
    if all(value is None for value in values):
        return None
    return sum(map(_or_zero, values)) / len(values)


def _or_zero(value: float | None) -> float:
    return 0.0 if value is None else value


def _decibels(signal: float, noise: float) -> float | None:
    # Sums in another order leave a noise of rounding, which may be below zero.
    return _finite(10 * math.log10(signal / noise)) if signal > 0 and noise > 0 else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
