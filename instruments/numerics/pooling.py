"""What the last pooling of a compiled model reads.

A mean or a maximum over all places is the same wherever a value is: a kernel that mirrors its
weights, or swaps two of them, hides in it, and the model's outputs are nearly right.
"""

from __future__ import annotations

import itertools
import re
from typing import Sequence, Tuple

import numpy as np

Axes = Tuple[int, ...]

INPUTS = 4
"""It is looked at for so many inputs, the first ones: each has values at many places."""

_POOLING = re.compile(r"pool|mean|sum")


def axes_of(kernel: str, given: Sequence[int], result: Sequence[int]) -> Axes | None:
    """The axes that a kernel makes one value of; None where it does not pool all places.

    `given` and `result` are the shapes of what it reads and writes, in elements. The name of a
    kernel has its operators in it, in both dialects.
    """
    if not _POOLING.search(kernel) or len(given) < 3:
        return None
    if len(given) == len(result):
        axes = tuple(i for i, size in enumerate(given) if size > 1 and result[i] == 1)
        same = all(a == b for i, (a, b) in enumerate(zip(given, result)) if i not in axes)
        return axes if axes and same else None
    for axes in itertools.combinations(range(1, len(given)), len(given) - len(result)):
        rest = [size for i, size in enumerate(given) if i not in axes]
        if rest == list(result) and any(given[i] > 1 for i in axes):
            return axes
    return None


def by_channel(values: np.ndarray, axes: Axes) -> np.ndarray:
    """Float32, [channels, places]: `axes` last, whatever the layout (NHWC, NCHW16c)."""
    rest = [i for i in range(values.ndim) if i not in axes]
    places = int(np.prod([values.shape[i] for i in axes]))
    return np.transpose(values, (*rest, *axes)).astype(np.float32).reshape(-1, places)


def stacked(each: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """With the inputs as the first axis; None where nothing is pooled."""
    values = [one for one in each if one is not None]
    return np.stack(values) if len(values) == len(each) else None


def varying(values: np.ndarray) -> np.ndarray:
    """What a mean over places takes away: the distances from it; last axis: places."""
    wide = np.asarray(values, np.float64)
    apart: np.ndarray = wide - wide.mean(axis=-1, keepdims=True)
    return apart
