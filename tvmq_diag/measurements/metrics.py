"""How far a run's outputs are from the float model's: the figures. measurements.outputs makes them,
with numpy, which nobody needs to read them."""

from __future__ import annotations

import math

import msgspec

LEAST_DIFFERENCE = 0.01
"""Where the float model's outputs of two inputs differ by less, relative to their size, there is
nothing to judge a quantized one by."""

LEAD = 0.05
"""See Metrics.decided."""

_GAIN = 1.1
"""A factor nearer to 1 than this is no gain error."""

_GAIN_DB = 3.0
"""Nor one without which this is not won."""


class OutputMetrics(msgspec.Struct, frozen=True):
    """One output, over all inputs. Of integers only `equal`, of all others the rest."""

    equal: float | None = None
    """Share of the values (0 to 1) that are the float model's, of an integer output."""
    cosine: float | None = None
    """Mean over the inputs."""
    worst_cosine: float | None = None
    sqnr_db: float | None = None
    """Of all inputs together."""
    factor: float | None = None
    factor_sqnr_db: float | None = None
    agreement: float | None = None
    """Share of the rows with the float model's top-1, of scores."""


class Metrics(msgspec.Struct, frozen=True):
    """A run's outputs against the float model's on the same inputs: see outputs.compare.

    `nan` and `inf` count values of the run's outputs; the other figures leave those out.
    """

    cosine: float | None
    """Of the values of all outputs together; the mean over the inputs."""
    sqnr_db: float | None
    """10·log10(signal/noise power), the float model's values being the signal; of all inputs
    together."""
    max_abs_error: float | None
    """In the outputs' own unit."""
    top1_agree: float | None
    """Share of the rows of scores (outputs [batch, classes]) with the float model's top-1."""
    nan: int = 0
    inf: int = 0
    inputs: int = 1
    """How many it ran on."""
    worst_cosine: float | None = None
    worst_sqnr_db: float | None = None
    worst_input: int | None = None
    """The input with the least cosine, from 0."""
    factor: float | None = None
    """The outputs are this many times the float model's, by least squares."""
    factor_sqnr_db: float | None = None
    """The SQNR that is left once that factor is taken out."""
    decided: int = 0
    """Rows of scores in which the float model's top-1 is clear of its second by LEAD of the span of
    its scores. Elsewhere two answers are about as good."""
    decided_agree: float | None = None
    """Share of those with the float model's top-1."""
    decided_interval: tuple[float, float] | None = None
    """95 % interval of decided_agree (Wilson)."""
    equal: float | None = None
    """Share of the values of integer outputs that are the float model's."""
    constant: bool = False
    """Are the outputs the same for every input, where the float model's are not?"""
    difference: float | None = None
    """Between the float model's own outputs of two inputs, relative to their size: the median over
    neighbouring inputs; 0 or 1 where all outputs are integers. None of a single input."""
    labelled: int = 0
    """Rows of scores with a label; top1 and float_top1 are of those."""
    top1: float | None = None
    float_top1: float | None = None
    outputs: list[OutputMetrics] = []
    """Of each output."""

    @property
    def finite(self) -> bool:
        """Are all values of the outputs finite numbers, so that the figures are of all of them?"""
        return not (self.nan or self.inf)

    @property
    def zero(self) -> bool:
        """Are the outputs zero throughout? Nothing else has a distance and no angle."""
        return self.cosine is None and self.sqnr_db is not None

    @property
    def telling(self) -> bool:
        """Does the float model's answer depend on its input, as far as that is known?"""
        return self.difference is None or self.difference >= LEAST_DIFFERENCE

    @property
    def gain_error(self) -> str | None:
        """What is wrong by one factor, in words; None where a factor is not what is wrong."""
        factor, left, now = self.factor, self.factor_sqnr_db, self.sqnr_db
        if factor is None or left is None or now is None or factor <= 0:
            return None
        if max(factor, 1 / factor) < _GAIN or left - now < _GAIN_DB:
            return None
        return (
            f"off by a factor of {factor:.2f}: SQNR {now:.1f} dB, and {left:.1f} dB once that is "
            "taken out"
        )


def interval(right: int, rows: int) -> tuple[float, float] | None:
    """The 95 % interval of a share, by Wilson (1927), which holds for few rows too."""
    if not rows:
        return None
    z = 1.96
    share, spread = right / rows, z * z / rows
    middle = share + spread / 2
    half = z * math.sqrt(share * (1 - share) / rows + spread / rows / 4)
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return max(low, 0.0), min(high, 1.0)
