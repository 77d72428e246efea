"""Classes: which one an output gives, and whether that is the float model's, or the label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .metrics import Accuracy, Agreement

Array = NDArray[np.generic]

CLOSE = 0.3
"""Of the standard deviation of scores within their rows: what is nearer is a close call. A cosine
of 0.95 lets pass noise of that size: sqrt(1 - 0.95²) = 0.31 of the signal."""

_NAMED = 8
"""So many inputs are named."""


def agreement(ours: Array, floats: Array) -> Agreement:
    """Of scores, [inputs, batch, classes]: the rows whose top-1 is the float model's."""
    given, mine = np.argmax(floats, axis=-1), np.argmax(ours, axis=-1)
    same = given == mine
    scores = np.asarray(floats, np.float64)
    preferred = _at(scores, given) - _at(scores, mine)
    close = ~same & (preferred < CLOSE * _spread(scores))
    return Agreement(
        int(np.count_nonzero(same)),
        same.size,
        int(np.count_nonzero(close)),
        _most((~same & ~close).sum(axis=1)),
    )


def equal(ours: Array, floats: Array) -> Agreement | None:
    """Of integers, [inputs, …]: the values that are equal. None where there are none."""
    same = ours == floats
    if not same.size:
        return None
    apart = (~same).reshape(len(same), -1).sum(axis=1)
    return Agreement(int(np.count_nonzero(same)), same.size, against=_most(apart))


def accuracy(
    ours: list[Array], floats: list[Array], labels: NDArray[np.int64] | None
) -> Accuracy | None:
    """How many rows have their label, [inputs, batch], as the class of the first output that has
    one for each; None without labels, or such an output."""
    if labels is None:
        return None
    for mine, given in zip(ours, floats, strict=True):
        of_ours, of_floats = _classes(mine, given), _classes(given, given)
        if of_ours is None or of_floats is None or of_ours.shape != labels.shape:
            continue
        labelled = labels >= 0
        count = int(np.count_nonzero(labelled))
        right, right_floats = (
            int(np.count_nonzero((classes == labels)[labelled])) for classes in (of_ours, of_floats)
        )
        return Accuracy(right, right_floats, count) if count else None
    return None


def _classes(output: Array, floats: Array) -> Array | None:
    """The class of each row, [inputs, batch]; None where the output has none."""
    if floats.dtype.kind in "iub":
        return output if output.ndim == 2 else None
    return np.argmax(output, axis=-1) if output.ndim == 3 and output.shape[-1] > 1 else None


def _at(scores: NDArray[np.float64], classes: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.take_along_axis(scores, classes[..., np.newaxis], axis=-1)[..., 0]


def _spread(scores: NDArray[np.float64]) -> float:
    """The standard deviation of scores within their rows, over all that are finite numbers."""
    rows = scores[np.isfinite(scores).all(axis=-1)]
    return float(np.sqrt(np.mean(np.var(rows, axis=-1)))) if len(rows) else 0.0


def _most(counts: NDArray[np.intp]) -> tuple[int, ...]:
    """The inputs with any, those with the most first."""
    order = np.argsort(-counts, kind="stable")[:_NAMED]
    return tuple(int(i) for i in order if counts[i])
