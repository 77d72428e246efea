"""Room in memory, asked for before it is taken: what a file claims may be more than there is."""

from __future__ import annotations

import math
import os
from typing import Sequence

from .errors import ModelError

SHARE = 0.125
"""Of the machine's memory that an input of a model, or the data for it, may take: while it is drawn
or cast it takes several times as much."""


def check(what: str, wanted: int, instead: str) -> None:
    """Raises ModelError, with `instead` as what to do, where `wanted` bytes are too many."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if wanted > SHARE * memory:
        raise ModelError(
            f"{what} takes {_gib(wanted)} of memory, and an eighth of this machine's "
            f"{_gib(memory)} is the most: {instead}"
        )


def elements(shape: Sequence[int]) -> int:
    """How many a shape has; exact, where numpy's product overflows."""
    return math.prod(int(size) for size in shape)


def _gib(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB" if size < 2**80 else "more than can be counted"
