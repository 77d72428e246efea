"""Bits for each weight, so that what they add to the outputs' noise is least for their bytes.

Noises of different weights add up, as they have nothing to do with each other, and the noise of one
falls by a factor of four with each bit, as its steps are half as large. Both hold while noise is
small, and are the usual model (Lin et al., "Fixed Point Quantization of Deep Convolutional
Networks", ICML 2016). Under it a greedy choice is the best there is, since each further bit that is
taken away costs more than the one before. It is a model: what it chooses has to be run.
"""

from __future__ import annotations

import heapq
from typing import Mapping, Sequence

from .setting import WIDEST

NARROWEST = 2
"""Bits. Of one bit nothing is left but 0: TVM keeps one for the sign."""

_NONE = 1e-15
"""Noise power that counts as none."""


class Noises:
    """What each weight by itself adds to the outputs' noise, as far as it was measured: noise power
    for signal power, by bits. `sizes`: how many values each weight has."""

    def __init__(self, measured: Sequence[Mapping[int, float]], sizes: Sequence[int]) -> None:
        self._measured = measured
        self.sizes = sizes

    def at(self, weight: int, bits: int) -> float:
        """At so many bits, from the nearest that were measured."""
        measured = self._measured[weight]
        nearest = min(measured, key=lambda width: abs(width - bits))
        return measured[nearest] * 4.0 ** (nearest - bits)

    def cost(self, weight: int, bits: int) -> float:
        """What it costs to go to so many bits from one more."""
        return max(self.at(weight, bits) - self.at(weight, bits + 1), _NONE)


def assigned(noises: Noises, average: float) -> str:
    """A digit for each weight: of at most `average` bits a value, those that add the least."""
    sizes = noises.sizes
    bits = [WIDEST] * len(sizes)
    room = (average - WIDEST) * sum(sizes)

    def price(weight: int) -> tuple[float, int]:
        return noises.cost(weight, bits[weight] - 1) / sizes[weight], weight

    waiting = [price(weight) for weight in range(len(sizes))]
    heapq.heapify(waiting)
    while room < 0 and waiting:
        _, weight = heapq.heappop(waiting)
        bits[weight] -= 1
        room += sizes[weight]
        if bits[weight] > NARROWEST:
            heapq.heappush(waiting, price(weight))
    return "".join(map(str, _filled(bits, noises, room)))


def _filled(bits: list[int], noises: Noises, room: float) -> list[int]:
    """Bits again where there is room: the last one that was taken away left some."""
    sizes = noises.sizes
    dear = sorted(range(len(bits)), key=lambda weight: -noises.cost(weight, bits[weight]))
    for weight in dear:
        if bits[weight] < WIDEST and sizes[weight] <= room:
            bits[weight] += 1
            room -= sizes[weight]
    return bits


def exchanges(bits: str, noises: Noises, average: float) -> list[str]:
    """The same with a bit more for one weight and one less for another, still of at most `average`
    bits a value; those that the model holds least against first."""
    digits = [int(digit) for digit in bits]
    sizes = noises.sizes
    room = (average - average_of(bits, sizes)) * sum(sizes)
    weights = range(len(digits))
    pairs = [
        (noises.cost(down, digits[down] - 1) - noises.cost(up, digits[up]), up, down)
        for up in weights
        for down in weights
        if up != down and digits[up] < WIDEST and digits[down] > NARROWEST
        and sizes[up] - sizes[down] <= room
    ]  # fmt: skip
    return [_exchanged(digits, up, down) for _, up, down in sorted(pairs)]


def _exchanged(digits: list[int], up: int, down: int) -> str:
    changed = list(digits)
    changed[up] += 1
    changed[down] -= 1
    return "".join(map(str, changed))


def average_of(bits: str, sizes: Sequence[int]) -> float:
    """Bits a value."""
    return sum(int(digit) * size for digit, size in zip(bits, sizes)) / sum(sizes)
