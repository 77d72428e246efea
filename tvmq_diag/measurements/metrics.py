"""How far a run's outputs are from the float model's: the figures. measurements.outputs makes them,
with numpy, which nobody needs to read them."""

from __future__ import annotations

import math

import msgspec

from ..decoding import Natural
from ..instruments.protocol.shares import wilson
from .numerics import NotFinite


class OverInputs(msgspec.Struct, frozen=True):
    """A figure over all inputs, and that of the worst of them, which is number `at`, from 0.

    None: not a finite number.
    """

    mean: float | None
    worst: float | None
    at: Natural | None


class Agreement(msgspec.Struct, frozen=True):
    """How many of so many are the same as the float model's.

    `close`: of the others, those that are close calls (see outputs.compare). `against`: the inputs,
    from 0, of the rest, at most 8 of them, those with the most of it first.
    """

    same: Natural
    of: Natural
    close: Natural = 0
    against: tuple[Natural, ...] = ()

    @property
    def share(self) -> float:
        """Of those that are the same, 0 to 1."""
        return self.same / self.of

    @property
    def right(self) -> float:
        """The share of those that are the same or close calls."""
        return (self.same + self.close) / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """What `share` would be on all such inputs, with 95 % confidence."""
        return wilson(self.same, self.of)

    @property
    def most(self) -> float:
        """The most that `right` may be on all such inputs, with 95 % confidence."""
        return wilson(self.same + self.close, self.of)[1]


class Accuracy(msgspec.Struct, frozen=True):
    """How many of so many labelled rows have their label as the top-1, in the run and in float."""

    ours: int
    floats: int
    of: Natural

    @property
    def share(self) -> float:
        """Of the run, 0 to 1."""
        return self.ours / self.of

    @property
    def float_share(self) -> float:
        """Of the float model, 0 to 1."""
        return self.floats / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """What `share` would be on all such inputs, with 95 % confidence."""
        return wilson(self.ours, self.of)


class OutputMetrics(msgspec.Struct, frozen=True):
    """One output against the float model's: see outputs.compare. None where it does not apply."""

    index: Natural
    dtype: str
    """Of the float model's."""
    shape: tuple[int, ...]
    """For one input."""
    differs: float | None = None
    """Of the float model's outputs for two inputs, relative; None with one input only."""
    differs_ours: float | None = None
    """The same of the run's own."""
    nan: Natural = 0
    inf: Natural = 0
    floats: NotFinite = NotFinite()
    """Of the float model's."""
    not_finite_at: Natural | None = None
    """The first input, from 0, for which it has more of them than the float model's."""
    zeros: Natural = 0
    """For so many inputs it is all zeros, and the float model's is not."""
    zeros_at: Natural | None = None
    """The first of those, from 0."""
    cosine: OverInputs | None = None
    sqnr_db: OverInputs | None = None
    gain: OverInputs | None = None
    sqnr_left_db: OverInputs | None = None
    """With the gain taken out."""
    max_abs_error: float | None = None
    top1: Agreement | None = None
    """Of scores: rows with the same top-1."""
    equal: Agreement | None = None
    """Of integers: values that are equal."""

    @property
    def finite(self) -> bool:
        """Has it for no input more of NaN and infinity than the float model's?"""
        return self.not_finite_at is None

    @property
    def agreement(self) -> Agreement | None:
        """Of scores or labels; None for other outputs."""
        return self.top1 or self.equal


class Metrics(msgspec.Struct, frozen=True):
    """A run's outputs against the float model's on the same inputs: see outputs.compare.

    cosine, sqnr_db: over all inputs, of the output that is furthest from the float model's.
    max_abs_error: the largest of all outputs. top1_agree: share of the rows of scores with the same
    top-1, of the output that has the least of it. None where there is no such figure, or it is not
    a finite number. `nan` and `inf` count values of the run's outputs; the other figures leave
    those out.

    Older runs compared one input, all outputs as one: then `outputs` is empty.
    """

    cosine: float | None
    sqnr_db: float | None
    max_abs_error: float | None
    top1_agree: float | None
    nan: Natural = 0
    inf: Natural = 0
    inputs: Natural = 1
    """How many inputs it was judged on."""
    accuracy: Accuracy | None = None
    """Where there are labels."""
    outputs: tuple[OutputMetrics, ...] = ()
    places: OverInputs | None = None
    """Before the last pooling, the cosine of what differs from place to place: see
    outputs.compare."""

    @property
    def finite(self) -> bool:
        """Have the outputs no more of NaN and infinity than the float model's?"""
        if not self.outputs:
            return not (self.nan or self.inf)
        return all(output.finite for output in self.outputs)

    @property
    def sqnr(self) -> float | None:
        """dB; infinite where there is no error at all, None where nothing can be compared."""
        exact = self.sqnr_db is None and self.max_abs_error == 0
        return math.inf if exact else self.sqnr_db

    @property
    def furthest(self) -> OutputMetrics | None:
        """The output that `cosine` and `sqnr_db` are of; None where all are integers."""
        return furthest(self.outputs)

    @property
    def worst_cosine(self) -> float | None:
        """Of all outputs for all inputs; None without any, and of one input compared as a whole."""
        worst = (o.cosine.worst for o in self.outputs if o.cosine is not None)
        return min((value for value in worst if value is not None), default=None)

    @property
    def agreement(self) -> Agreement | None:
        """Of the output of scores or labels with the least of it; None if there is no such."""
        each = (output.agreement for output in self.outputs)
        return min(
            (a for a in each if a is not None), key=lambda a: (a.right, a.share), default=None
        )

    @property
    def differs(self) -> float | None:
        """How much the float model's outputs differ between two inputs: of the one that does most.

        Relative, 0 to 2; None where that was not looked at.
        """
        each = [output.differs for output in self.outputs if output.differs is not None]
        return max(each, default=None)


def furthest(outputs: tuple[OutputMetrics, ...]) -> OutputMetrics | None:
    """The output of floating-point numbers that is furthest from float; None without any."""
    signals = [output for output in outputs if output.cosine is not None]
    return min(signals, key=_closeness, default=None)


def _closeness(output: OutputMetrics) -> float:
    """Its cosine; without one, as one side is all zeros, less than any unless there is no error."""
    cosine = output.cosine.mean if output.cosine is not None else None
    if cosine is not None:
        return cosine
    return -2.0 if output.max_abs_error else 2.0
