"""How sure a share is that was counted.

Standard library only: both halves judge by it.
"""

from __future__ import annotations

import math

_Z = 1.959963984540054
"""The standard normal distribution has 95 % of its mass within so much of 0."""


def wilson(count: int, of: int) -> tuple[float, float]:
    """The interval of a share, 0 to 1, with 95 % confidence: Wilson's score interval.

    It is right for few trials and for shares of 0 and 1, where the normal one is not (Brown, Cai,
    DasGupta: Interval Estimation for a Binomial Proportion, 2001). `of` is 1 or more.
    """
    share, square = count / of, _Z * _Z
    centre = (share + square / (2 * of)) / (1 + square / of)
    half = _Z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    low = 0.0 if count == 0 else centre - half
    return low, 1.0 if count == of else centre + half
