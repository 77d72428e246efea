"""Which ops to leave in float, where not even 8 bits of all are right.

What each op does by itself is measured, all else in float: the worst are left out, more and more of
them, until it is right, and then those are taken back that it is right with too.
"""

from __future__ import annotations

from .setting import Setting
from .trials import Trials

SHARE = 0.25
"""Of the time that is left, for measuring all ops by themselves."""

MOST = 8
"""So many ops are left in float and no more, and never all: what needs that is not quantized."""


def skipped(trials: Trials, start: Setting) -> Setting | None:
    """`start` with the fewest ops in float that were found to make it right; None where it cannot
    be made so. Raises TimeUp."""
    worst_first = _by_noise(trials, start)
    most = min(MOST, len(worst_first) - 1)
    for count in sorted({min(2**power, most) for power in range(MOST.bit_length())} - {-1, 0}):
        setting = start._replace(skip=tuple(sorted(worst_first[:count])))
        if trials.looks_right(setting):
            fewer = _fewer(trials, setting, worst_first[:count])
            return trials.last_right([setting, fewer])
    return None


def _by_noise(trials: Trials, start: Setting) -> list[int]:
    """The ops that can be left in float, those that make the most noise first."""
    ops = list(trials.ranges.skippable.sites)
    inputs = max(1, min(int(trials.affordable(SHARE) / max(len(ops), 1)), trials.few))
    noises = {op: trials.op_alone(op, start, inputs) for op in ops}
    return sorted(ops, key=lambda op: -noises[op])


def _fewer(trials: Trials, setting: Setting, worst_first: list[int]) -> Setting:
    """The same without those that it looks right without, those that make the least noise tried
    first."""
    for op in reversed(worst_first):
        other = setting._replace(skip=tuple(one for one in setting.skip if one != op))
        if other.skip and trials.looks_right(other):
            setting = other
    return setting
