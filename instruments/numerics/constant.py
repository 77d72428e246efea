"""Outputs that do not depend on the input any more, as tvmq_diag.analysis.accuracy has them: that
half of the project imports nothing of this one but the protocol. Tests hold the two together."""

from __future__ import annotations

import numpy as np

_CONSTANT = 0.01
"""Of the float model's difference between inputs."""


def is_constant(ours: np.ndarray, floats: np.ndarray) -> bool:
    """Is it the same for every input, the first axis, where `floats` is not?"""
    if floats.dtype.kind in "iub":
        return bool((ours == ours[:1]).all() and (floats != floats[:1]).any())
    return _differs(ours) <= _CONSTANT * _differs(floats) and _differs(floats) > 0


def _differs(output: np.ndarray) -> float:
    """How far the outputs for all inputs are from that for the first, as a share of their size."""
    values = np.nan_to_num(np.asarray(output, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    size = np.linalg.norm(values)
    return float(np.linalg.norm(values - values[:1]) / size) if size else 0.0
