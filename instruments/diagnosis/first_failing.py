"""Find the first op that makes a pass fail, by replaying the pass on ever shorter prefixes.

Knows no TVM: `fails(k)` is the caller's experiment "do the first k ops fail in the same way?".
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Callable


@dataclass
class FirstFailing:
    """Result of a search: the first failing op, None if the whole does not fail again."""

    index: int | None
    runs: int
    ms: float


def first_failing(count: int, fails: Callable[[int], bool]) -> FirstFailing:
    """Smallest index such that the prefix of ops up to and with it fails; log2(count) runs.

    Failing is monotone in the length of the prefix, as a longer one contains the shorter.
    """
    began = time.perf_counter()
    runs = 0

    def failing(length: int) -> bool:
        nonlocal runs
        runs += 1
        return fails(length)

    index = None
    if count and failing(count):
        low, high = 1, count
        while low < high:
            middle = (low + high) // 2
            if failing(middle):
                high = middle
            else:
                low = middle + 1
        index = high - 1
    return FirstFailing(index, runs, (time.perf_counter() - began) * 1e3)
