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
    share of rows (all axes but the last) whose largest entry is at the same place.

    A value that is not finite is None. Raises ValueError when shapes differ.
    """
    if [a.shape for a in ours] != [b.shape for b in floats]:
        raise ValueError("the outputs have other shapes than the float model's")
    a = np.concatenate([np.asarray(x, np.float64).ravel() for x in ours])
    b = np.concatenate([np.asarray(x, np.float64).ravel() for x in floats])
    with np.errstate(all="ignore"):
        cosine = float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
        sqnr = float(10 * np.log10(np.sum(b * b) / np.sum((a - b) ** 2)))
        worst = float(np.max(np.abs(a - b), initial=0.0))
    return Metrics(_finite(cosine), _finite(sqnr), _finite(worst), _top1(ours, floats))


def _top1(ours: list[Array], floats: list[Array]) -> float | None:
    agree = [
        np.argmax(a, axis=-1).ravel() == np.argmax(b, axis=-1).ravel()
        for a, b in zip(ours, floats, strict=True)
        if b.ndim and b.shape[-1] > 1
    ]
    return float(np.mean(np.concatenate(agree))) if agree else None


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
