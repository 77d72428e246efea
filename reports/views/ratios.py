"""A ratio of times in words and figures: how a configuration compares with the float model."""

from __future__ import annotations

from tvmq_diag.measurements.paired import Ratio

from ..formatting import TIMES, percent


def indistinguishable(ratio: Ratio, noise: Ratio | None) -> bool:
    """Could it be no difference at all? By its own interval, or by float's against itself."""
    if ratio.low <= 1 <= ratio.high:
        return True
    if noise is None or min(noise.low, ratio.low) <= 0:
        return False
    # Which of two runs of one model is slower is chance: noise goes both ways.
    widest = max(noise.high, 1 / noise.low)
    return 1 / widest <= ratio.low and ratio.high <= widest


def in_words(ratio: Ratio, noise: Ratio | None) -> str:
    """A ratio to float as the rest of a sentence: `takes 7.1 % more time than float`."""
    if indistinguishable(ratio, noise):
        return "is indistinguishable from float"
    if ratio.value >= 2:
        return f"takes {_digits(ratio.value)} times as long as float"
    if ratio.value > 1:
        return f"takes {percent(ratio.value - 1)} more time than float"
    if ratio.value > 0.5:
        return f"takes {percent(1 - ratio.value)} less time than float"
    times = _digits(1 / ratio.value) if ratio.value else "infinitely many"
    return f"is {times} times as fast as float"


def in_figures(ratio: Ratio) -> str:
    """A ratio with its 95 % interval: three decimals and TIMES, the interval in brackets."""
    return f"{_digits(ratio.value)}{TIMES} [{_digits(ratio.low)}, {_digits(ratio.high)}]"


def _digits(value: float) -> str:
    """Three decimals, fewer of a large number."""
    if 0.001 <= value < 10:
        return f"{value:.3f}"
    return f"{value:,.1f}" if 10 <= value < 1e4 else f"{value:.3g}"
