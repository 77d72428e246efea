"""What tuning did to a ratio between a configuration and float, in sentences."""

from __future__ import annotations

import math

from ..measurements.paired import Ratio
from ..measurements.tuning import Gain, Tuning
from ..trace.facts import TraceFacts

_OFF = "NONE"


def evidence(side: str, gain: Gain | None, tuned: Tuning | None, facts: TraceFacts) -> list[str]:
    """What speaks for the schedules being at fault: where others might come from, and what tuning
    them gained on each side, or why that is not known. None: nothing was tuned."""
    lines = []
    if facts.tophub_package is not None and facts.tophub == _OFF:
        lines.append(
            f"TVM's TopHub has schedules for such targets ({facts.tophub_package}), which a build "
            "downloads elsewhere; here that is switched off, so that no time depends on the network"
        )
    if gain is not None:
        lines += [gained("the float model", gain.floats), gained(side, gain.own), sentence(gain)]
    elif tuned is not None:
        lines.append(not_gained(tuned))
    return lines


def not_gained(tuned: Tuning) -> str:
    """What came of tuning that left nothing to be timed."""
    if tuned.faults:
        return f"tuning failed: {tuned.faults[0]}"
    trials = sum(len(task.trials) for task in tuned.tasks.values())
    of = f"of {len(tuned.tasks)} kernels"
    if not trials and not any(task.begins.known for task in tuned.tasks.values()):
        return f"the time was not enough to try one schedule {of}"
    tried = f"{trials} schedules {of} were tried"
    if not tuned.complete:
        return f"{tried} before it was cut off; they are kept, and the next run goes on from there"
    if any(task.winner for task in tuned.tasks.values()):
        return f"{tried}; no model with the faster ones was surely faster than the untuned one"
    return f"{tried}, and none was faster than the default in rounds in turn"


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
    shares = [_share(gain.before, change) for change in (gain.change.high, gain.change.low)]
    least, most = ("all of it" if share >= 1 else f"{share:.0%}" for share in shares)
    between = f" ({least} to {most}, 95 %)" if least != most else ""
    share = _share(gain.before, gain.change.value)
    what = "all" if share >= 1 else f"{share:.0%}"
    return f"{what} of its disadvantage was tuning{between}"


def _share(before: Ratio, change: float) -> float:
    """Of a disadvantage (a ratio above 1) that a change takes away: of its logarithm, as ratios
    multiply."""
    return -math.log(change) / math.log(before.value)


def gained(name: str, ratio: Ratio | None) -> str:
    """What tuning gained on one side."""
    if ratio is None:
        return f"{name}: none with tuned schedules was surely faster than the untuned, which stays"
    told = "" if ratio.high < 1 or ratio.low > 1 else ", which cannot be told from noise"
    return f"{name} tuned takes {ratio} of its untuned time{told}"
