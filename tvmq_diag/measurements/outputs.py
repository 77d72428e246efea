"""How far a model's outputs are from the float model's, input by input and over all of them."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import foreign
from ..decoding import Damage
from ..trace.trace import Trace
from . import signal, top1
from .metrics import Metrics, OutputMetrics, OverInputs, furthest

Array = NDArray[np.generic]

_DAMAGED = (
    ValueError, KeyError, AttributeError, TypeError, EOFError, SyntaxError, NotImplementedError,
    OverflowError, MemoryError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What numpy raises for an archive that is not as it was written."""


@dataclass(frozen=True)
class Outputs:
    """A model's outputs: each with the inputs as its first axis, behind it its own shape.

    `labels`: int64, [inputs, batch]; -1 for none. None where the data has none.
    """

    arrays: list[Array]
    labels: NDArray[np.int64] | None = None
    pooled: Array | None = None
    """What the last pooling reads for the first inputs, [inputs, channels, places]; None where
    nothing is pooled, and of older traces."""

    @property
    def inputs(self) -> int:
        """How many inputs they are of."""
        return len(self.arrays[0]) if self.arrays else 0


def of_trace(trace: Trace) -> Outputs:
    """What a compile that ran left of its outputs. Raises OSError, Damage."""
    assert trace.outputs is not None
    return load(foreign.inside(trace.path, trace.outputs), stacked=trace.inputs is not None)


def load(path: Path, stacked: bool = True) -> Outputs:
    """The outputs a TVM process saved: output0, output1, …, maybe labels and pooled.

    Not `stacked`, as in older traces: of one input, without an axis for it.

    Raises OSError, and Damage for what is no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as saved:
            count = sum(name.startswith("output") for name in saved.files)
            arrays = [saved[f"output{i}"] for i in range(count)]
            labels = saved["labels"] if "labels" in saved.files else None
            pooled = saved["pooled"] if "pooled" in saved.files else None
    except _DAMAGED as error:
        raise Damage(f"{path.name} cannot be read: {error}") from error
    return Outputs(arrays, labels, pooled) if stacked else one(arrays)


def one(arrays: list[Array]) -> Outputs:
    """The outputs for one input."""
    return Outputs([array[np.newaxis] for array in arrays])


def apart(ours: Outputs, theirs: Outputs) -> float:
    """The largest difference, as a share of theirs' largest value; 0: they are equal. NaN equals
    NaN. Raises ValueError for outputs of other shapes."""
    most = 0.0
    for mine, other in zip(ours.arrays, theirs.arrays, strict=True):
        if not np.array_equal(mine, other, equal_nan=other.dtype.kind == "f"):
            wide = other.astype("float64")
            difference = float(np.max(np.abs(mine.astype("float64") - wide)))
            most = max(most, difference / (float(np.max(np.abs(wide))) or 1.0))
    return most


def compare(ours: Outputs, floats: Outputs) -> Metrics:
    """The metrics of a model's outputs against the float model's on the same inputs.

    Of an output of floating-point numbers, for each input and over all:

    cosine      of the flattened values, in [-1, 1]; over all inputs: the mean.
    sqnr_db     10·log10(signal/noise power), the float model's values being the signal; over all
                inputs: of their powers together.
    gain        the factor of the float model's values that fits ours best, by least squares; over
                all inputs: one factor for all. The worst is the one that is furthest from 1.
    sqnr_left_db  the SQNR of ours divided by that factor.
    top1        of scores, which are [batch, classes] with two classes or more: the rows whose
                largest entry is at the same place. A row where it is not is a close call if the
                float model itself prefers its first class to ours by less than 0.3 times the
                standard deviation of the scores within their rows: a cosine of 0.95 lets pass noise
                of that size.

    Of an output of integers or truth values: how many are equal.

    differs: between two inputs, the root mean square of the distance of their outputs, as a
    multiple of their size; of integers, the share of places whose value is not always the same.
    places: before the last pooling, the cosine of what differs from place to place: of each channel
    less its mean, which is all that an average over the places lets through. For the first inputs.

    max_abs_error is in the outputs' own unit. nan, inf: how many values are not finite.

    The figures are of the values that are finite in both, and None where they are not finite
    themselves: no noise at all gives an sqnr_db of None with a max_abs_error of 0.
    instruments.numerics.figures says the same of tensors inside a TVM process, where this package
    is not to be had; a test holds the two together.

    Raises ValueError when shapes differ.
    """
    if [a.shape for a in ours.arrays] != [b.shape for b in floats.arrays]:
        raise ValueError("the outputs have other shapes than the float model's")
    if not floats.inputs:
        raise ValueError("there are no outputs")
    each = tuple(
        _output(index, a, b)
        for index, (a, b) in enumerate(zip(ours.arrays, floats.arrays, strict=True))
    )
    far = furthest(each)
    errors = (output.max_abs_error for output in each)
    agreements = (output.top1.share for output in each if output.top1 is not None)
    return Metrics(
        cosine=far.cosine.mean if far and far.cosine else None,
        sqnr_db=far.sqnr_db.mean if far and far.sqnr_db else None,
        max_abs_error=max((error for error in errors if error is not None), default=None),
        top1_agree=min(agreements, default=None),
        nan=sum(output.nan for output in each),
        inf=sum(output.inf for output in each),
        inputs=floats.inputs,
        accuracy=top1.accuracy(ours.arrays, floats.arrays, floats.labels),
        outputs=each,
        places=_places(ours.pooled, floats.pooled),
    )


def _places(ours: Array | None, floats: Array | None) -> OverInputs | None:
    """None where one does not pool, or they pool different tensors."""
    if ours is None or floats is None or ours.shape != floats.shape or ours.ndim != 3:
        return None
    return signal.figures(signal.varying(ours), signal.varying(floats))["cosine"]


def _output(index: int, ours: Array, floats: Array) -> OutputMetrics:
    dtype, shape = str(floats.dtype), floats.shape[1:]
    if floats.dtype.kind in "iub":
        return OutputMetrics(
            index,
            dtype,
            shape,
            differs=signal.changing(floats),
            differs_ours=signal.changing(ours),
            equal=top1.equal(ours, floats),
        )
    scores = len(shape) == 2 and shape[-1] > 1
    return OutputMetrics(
        index,
        dtype,
        shape,
        differs=signal.difference(floats),
        differs_ours=signal.difference(ours),
        **signal.figures(ours, floats),
        top1=top1.agreement(ours, floats) if scores else None,
    )
