"""The search itself: the range of activations first, then the fewest bits of weights, then of
activations.

More bits only get better, and a range that is too small or too large gets worse on either side: so
ranges are climbed, by factors of two, and widths are walked down. Most trials are on a few inputs;
what looks right there is tried on all.
"""

from __future__ import annotations

from .setting import MAX, POWER2, Setting
from .trials import Trials

FEW = 4
"""Inputs that most trials are on."""

WIDEST, NARROWEST = 8, 2
"""Bits. Of one bit nothing is left but 0: TVM keeps one for the sign."""

REACH = (2.0**-3, 2.0**9)
"""global_scale is looked for between these."""


def search(trials: Trials, min_cosine: float) -> None:
    """Try settings until all is known, or the time is up, which raises TimeUp."""
    best = {name: _climb(trials, Setting(weight_scale=name)) for name in (POWER2, MAX)}
    found: Setting | None = None
    for bits in range(WIDEST, NARROWEST - 1, -1):
        setting = _better(trials, best, bits)
        if _holds(trials, setting, min_cosine):
            found = setting
    if found is None:
        return
    for bits in range(WIDEST - 1, NARROWEST - 1, -1):
        setting = _climb(trials, found._replace(nbit_input=bits))
        if not _holds(trials, setting, min_cosine):
            return


def _better(trials: Trials, best: dict[str, Setting], bits: int) -> Setting:
    """The better of the two ways to scale weights, at so many bits."""
    settings = [setting._replace(nbit_weight=bits) for setting in best.values()]
    return max(settings, key=lambda setting: trials.of(setting, FEW).worst)


def _holds(trials: Trials, setting: Setting, min_cosine: float) -> bool:
    """Is it right on the few, and then on all inputs?"""
    if trials.of(setting, FEW).worst < min_cosine:
        return False
    return trials.of(setting, trials.inputs).worst >= min_cosine


def _climb(trials: Trials, start: Setting) -> Setting:
    """The same with the range of activations that is best."""
    best = start
    for factor in (2.0, 0.5):
        while True:
            scale = best.global_scale * factor
            other = best._replace(global_scale=scale)
            if not REACH[0] <= scale <= REACH[1]:
                break
            if trials.of(best, FEW).worst >= trials.of(other, FEW).worst:
                break
            best = other
    return best
