"""What tuning did to a ratio between a configuration and float, in sentences."""

from __future__ import annotations

import math

from ..measurements.paired import Ratio
from ..measurements.tuning import Gain


def sentence(gain: Gain) -> str:
    """Before, after, and how much of the difference was tuning."""
    return (
        f"untuned it takes {gain.before} of the float model's time, and {gain.after} where each "
        f"runs the schedules that are fastest for it: {became(gain)}"
    )


def became(gain: Gain) -> str:
    """What became of the ratio, as far as the intervals bear it out."""
    if gain.change.low <= 1 <= gain.change.high:
        return "a change that cannot be told from noise"
    if gain.change.value > 1:
        slower = "tuning gains float more"
        return f"{slower}, the ratio is {gain.change} times what it was"
    if gain.before.low <= 1:
        return f"tuning gains it more than float, the ratio is {gain.change} times what it was"
    if gain.after.value <= 1:
        return "all of its disadvantage was tuning"
    return f"{share(gain.before, gain.after):.0%} of its disadvantage was tuning"


def share(before: Ratio, after: Ratio) -> float:
    """Of a disadvantage (a ratio above 1) that is gone: of its logarithm, as ratios multiply."""
    return 1 - math.log(after.value) / math.log(before.value)


def gained(name: str, ratio: Ratio | None) -> str:
    """What tuning gained on one side."""
    if ratio is None:
        return f"{name}: no model with tuned schedules was faster than the untuned one, which stays"
    told = "" if ratio.high < 1 or ratio.low > 1 else ", which cannot be told from noise"
    return f"{name} tuned takes {ratio} of its untuned time{told}"
