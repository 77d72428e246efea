"""Bits for each weight, so that what they add to the outputs' noise is least for their bytes.

Noises of different weights add up, as they have nothing to do with each other, and the noise of one
falls by a factor of four with each bit, as its steps are half as large. Both hold while noise is
small, and are the usual model (Lin et al., "Fixed Point Quantization of Deep Convolutional
Networks", ICML 2016). Under it a greedy choice is the best there is, since each further bit that is
taken away costs more than the one before. It is a model: what it chooses has to be run.
"""

from __future__ import annotations

import heapq
import itertools
from typing import Mapping, Sequence

from .setting import WIDEST

NARROWEST = 2
"""Bits. Of one bit nothing is left but 0: TVM keeps one for the sign."""

_NONE = 1e-15
"""Noise power that counts as none."""


class Noises:
    """What each weight by itself adds to the outputs' noise, as far as it was measured: noise power
    for signal power, by bits. `sizes`: how many values each weight has; `widths`: bits that one can
    have, the most first."""

    def __init__(
        self,
        measured: Sequence[Mapping[int, float]],
        sizes: Sequence[int],
        widths: Sequence[int] = range(WIDEST, NARROWEST - 1, -1),
    ) -> None:
        self._measured = measured
        self.sizes = sizes
        self.widths = widths
        self._next = dict(zip(widths, widths[1:]))
        self._last = {fewer: more for more, fewer in self._next.items()}

    def fewer(self, bits: int) -> int | None:
        """The next width below; None below the fewest."""
        return self._next.get(bits)

    def more(self, bits: int) -> int | None:
        """The next width above; None above the most."""
        return self._last.get(bits)

    def at(self, weight: int, bits: int) -> float:
        """At so many bits, from the nearest that were measured."""
        measured = self._measured[weight]
        nearest = min(measured, key=lambda width: abs(width - bits))
        return measured[nearest] * 4.0 ** (nearest - bits)

    def cost(self, weight: int, bits: int) -> float:
        """What it costs to go to the next width below, for each value and bit that it saves."""
        fewer = self._next[bits]
        added = max(self.at(weight, fewer) - self.at(weight, bits), _NONE)
        return added / (self.sizes[weight] * (bits - fewer))


def assigned(noises: Noises, average: float) -> str:
    """A digit for each weight: of at most `average` bits a value, those that add the least."""
    sizes = noises.sizes
    bits = [WIDEST] * len(sizes)
    room = (average - WIDEST) * sum(sizes)
    waiting = [(noises.cost(weight, WIDEST), weight) for weight in range(len(sizes))]
    heapq.heapify(waiting)
    while room < 0 and waiting:
        _, weight = heapq.heappop(waiting)
        fewer = noises.fewer(bits[weight])
        assert fewer is not None  # only what has fewer waits
        room += sizes[weight] * (bits[weight] - fewer)
        bits[weight] = fewer
        if noises.fewer(fewer) is not None:
            heapq.heappush(waiting, (noises.cost(weight, fewer), weight))
    return "".join(map(str, _filled(bits, noises, room)))


def _filled(bits: list[int], noises: Noises, room: float) -> list[int]:
    """Bits again where there is room: the last that were taken away left some."""
    raised = [(more, weight) for weight, width in enumerate(bits) if (more := noises.more(width))]
    for more, weight in sorted(raised, key=lambda one: -noises.cost(one[1], one[0])):
        needed = noises.sizes[weight] * (more - bits[weight])
        if needed <= room:
            bits[weight] = more
            room -= needed
    return bits


def exchanges(bits: str, noises: Noises, average: float) -> list[str]:
    """The same with the next width above for one weight and that below for another, still of at
    most `average` bits a value; those that the model holds least against first."""
    digits, sizes = [int(digit) for digit in bits], noises.sizes
    room = (average - average_of(bits, sizes)) * sum(sizes)
    pairs = []
    for up, down in itertools.permutations(range(len(digits)), 2):
        more, fewer = noises.more(digits[up]), noises.fewer(digits[down])
        if more is None or fewer is None:
            continue
        needed, saved = sizes[up] * (more - digits[up]), sizes[down] * (digits[down] - fewer)
        if needed - saved <= room:
            added = noises.cost(down, digits[down]) * saved - noises.cost(up, more) * needed
            pairs.append((added, up, more, down, fewer))
    return [_exchanged(digits, up, more, down, fewer) for _, up, more, down, fewer in sorted(pairs)]


def _exchanged(digits: list[int], up: int, more: int, down: int, fewer: int) -> str:
    changed = list(digits)
    changed[up], changed[down] = more, fewer
    return "".join(map(str, changed))


def average_of(bits: str, sizes: Sequence[int]) -> float:
    """Bits a value."""
    return sum(int(digit) * size for digit, size in zip(bits, sizes)) / sum(sizes)
