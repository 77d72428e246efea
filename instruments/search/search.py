"""The search itself: the range of activations first, then the fewest bits of all weights, of each
weight, and then of activations; where 8 bits are not right, ops left in float before that.

More bits only get better, and a range that is too small or too large gets worse on either side: so
ranges are climbed, by factors of two, and widths are walked down. Most trials are on a few inputs;
what looks right there is tried on all.
"""

from __future__ import annotations

from typing import Callable

from .assignment import NARROWEST
from .mixed import Mixed
from .setting import WIDEST, Setting
from .skipping import skipped
from .trials import Trials

MOSTLY_FLOAT = 12.0
"""Bits a weight, with those of ops in float: above it fewer bits for the others save next to
nothing."""

REACH = (2.0**-3, 2.0**9)
"""global_scale is looked for between these."""


def search(trials: Trials, may_skip: bool) -> None:
    """Try settings until all is known, or the time is up, which raises TimeUp. `may_skip`: look for
    ops to leave in float, too."""
    starts = [Setting(weight_scale=name) for name in trials.ranges.weight_scales]
    if not trials.ranges.on_data:
        starts = [_climb(trials, start) for start in starts]
    uniform = _uniform(trials, starts)
    if uniform is None and may_skip:
        start = skipped(trials, _better(trials, starts, WIDEST))
        if start is None or trials.average(start) > MOSTLY_FLOAT:
            return
        uniform = _uniform(trials, [start])
    if uniform is None:
        return
    mixed = Mixed(trials, uniform)
    fewest = mixed.fewest(uniform.nbit_weight) or uniform
    _walk(trials, lambda bits: _climb(trials, fewest._replace(nbit_input=bits)),
          range(WIDEST - 1, NARROWEST - 1, -1))  # fmt: skip
    mixed.compare()


def _uniform(trials: Trials, starts: list[Setting]) -> Setting | None:
    """The fewest bits of all weights that are right; None where 8 are not."""
    widths = range(WIDEST, NARROWEST - 1, -1)
    return _walk(trials, lambda bits: _better(trials, starts, bits), widths)


def _walk(trials: Trials, at: Callable[[int], Setting], widths: range) -> Setting | None:
    """The last of the settings at these widths that is right, if there is one; no width is tried
    behind one that is not."""
    looks_right = []
    for bits in widths:
        setting = at(bits)
        if not trials.looks_right(setting):
            break
        looks_right.append(setting)
    return trials.last_right(looks_right)


def _better(trials: Trials, starts: list[Setting], bits: int) -> Setting:
    """The better of the ways to scale weights, at so many bits."""
    settings = [start._replace(nbit_weight=bits) for start in starts]
    return max(settings, key=lambda setting: trials.of(setting, trials.few).worst)


def _climb(trials: Trials, start: Setting) -> Setting:
    """The same with the range of activations that is best."""
    best = start
    for factor in () if trials.ranges.on_data else (2.0, 0.5):
        while True:
            scale = best.global_scale * factor
            other = best._replace(global_scale=scale)
            if not REACH[0] <= scale <= REACH[1]:
                break
            if trials.of(best, trials.few).worst >= trials.of(other, trials.few).worst:
                break
            best = other
    return best
