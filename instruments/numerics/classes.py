"""Classes by scores, as tvmq_diag.measurements.top1 has them: that half of the project imports
nothing of this one but the protocol. Tests hold the two together."""

from __future__ import annotations

import numpy as np

_CLOSE = 0.3
"""Of the standard deviation of scores within their rows: what is nearer is a close call."""


def are_scores(outputs: np.ndarray) -> bool:
    """Are outputs, with the inputs as their first axis, rows of scores? (inputs, rows, classes)."""
    return outputs.dtype.kind not in "iub" and outputs.ndim == 3 and outputs.shape[-1] > 1


def spread(floats: np.ndarray) -> float:
    """The standard deviation of scores within their rows, over those of finite numbers."""
    scores = np.asarray(floats, np.float64)
    rows = scores[np.isfinite(scores).all(axis=-1)]
    return float(np.sqrt(np.mean(np.var(rows, axis=-1)))) if len(rows) else 0.0


def same(ours: np.ndarray, floats: np.ndarray) -> np.ndarray:
    """Of each row of scores: is its top-1 that of `floats`?"""
    equal: np.ndarray = np.argmax(ours, axis=-1) == np.argmax(floats, axis=-1)
    return equal


def agreeing(ours: np.ndarray, floats: np.ndarray, spread: float) -> np.ndarray:
    """Of each row of scores: is its top-1 that of `floats`, or one that `floats` hardly prefers
    another to?"""
    scores = np.asarray(floats, np.float64)
    given, mine = np.argmax(scores, axis=-1), np.argmax(ours, axis=-1)
    preferred = _at(scores, given) - _at(scores, mine)
    agrees: np.ndarray = (given == mine) | (preferred < _CLOSE * spread)
    return agrees


def _at(scores: np.ndarray, classes: np.ndarray) -> np.ndarray:
    return np.take_along_axis(scores, classes[..., np.newaxis], axis=-1)[..., 0]
