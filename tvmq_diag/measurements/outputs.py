"""How far a model's outputs are from the float model's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .metrics import Metrics

Array = NDArray[np.generic]


def outputs(path: Path) -> list[Array]:
    """The outputs a child saved (output0, output1, …); raises OSError or ValueError."""
    with np.load(path, allow_pickle=False) as saved:
        return [saved[f"output{i}"] for i in range(len(saved.files))]


def compare(ours: list[Array], floats: list[Array]) -> Metrics:
    """Metrics over all outputs together, against the float model's on the same input.

    cosine: of the flattened values, in [-1, 1]. sqnr_db: 10·log10(signal/noise power), the
    float model's values being the signal. max_abs_error: in the outputs' own unit. top1_agree:
    share of rows (all axes but the last) whose largest entry is at the same place. nan, inf: how
    many values of `ours` are not finite.

    The first three are of the values that are finite in both, and None where they are not finite
    themselves, or there are no such values: no noise at all gives an sqnr_db of None with a
    max_abs_error of 0. instruments.numerics.figures.error says the same of a tensor inside a TVM
    process, where this package is not to be had; a test holds the two together.

    Raises ValueError when shapes differ.
    """
    if [a.shape for a in ours] != [b.shape for b in floats]:
        raise ValueError("the outputs have other shapes than the float model's")
    a = np.concatenate([np.asarray(x, np.float64).ravel() for x in ours])
    b = np.concatenate([np.asarray(x, np.float64).ravel() for x in floats])
    nan, inf = int(np.count_nonzero(np.isnan(a))), int(np.count_nonzero(np.isinf(a)))
    both = np.isfinite(a) & np.isfinite(b)
    if not both.all():
        a, b = a[both], b[both]
    with np.errstate(all="ignore"):
        cosine = float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
        sqnr = float(10 * np.log10(np.sum(b * b) / np.sum((a - b) ** 2)))
        worst = float(np.max(np.abs(a - b))) if a.size else np.nan
    figures = _finite(cosine), _finite(sqnr), _finite(worst)
    return Metrics(*figures, _top1(ours, floats), nan, inf)


def _top1(ours: list[Array], floats: list[Array]) -> float | None:
    agree = [
        np.argmax(a, axis=-1).ravel() == np.argmax(b, axis=-1).ravel()
        for a, b in zip(ours, floats, strict=True)
        if b.ndim and b.shape[-1] > 1
    ]
    return float(np.mean(np.concatenate(agree))) if agree else None


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
