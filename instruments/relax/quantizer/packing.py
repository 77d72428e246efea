"""Weights of few bits several to a byte: how they lie there, and how they come out.

A byte holds values that lie far apart, not neighbours: of a weight with n rows, along its first
axis, row r of the packed one has rows r, r + R, r + 2R, …, from the lowest bits up, with
R = ceil(n / values a byte). So a loop along the last axis reads bytes in a row, and each of its
steps is a shift that all of them need alike: LLVM makes vectors of it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tvm
from tvm import te

WIDEST = 4
"""Bits. More do not go twice into a byte."""


def field(bits: int) -> int:
    """Bits of a byte that a value of so many bits takes: 1, 2 or 4."""
    return 4 if bits == 3 else bits


def packed(values: np.ndarray, bits: int) -> np.ndarray:
    """Signed integers of so many bits, of shape (n, …), as uint8 of shape (R, …). Missing rows are
    0."""
    wide = field(bits)
    count = 8 // wide
    rows = math.ceil(values.shape[0] / count)
    padded = np.zeros((rows * count, *values.shape[1:]), "uint8")
    padded[: values.shape[0]] = values.astype("int8").view("uint8") & ((1 << wide) - 1)
    planes = padded.reshape(count, rows, *values.shape[1:])
    result: np.ndarray = np.zeros_like(planes[0])
    for place, plane in enumerate(planes):
        result |= plane << (place * wide)
    return result


def unpacked(stored: Any, shape: Any, bits: int) -> Any:
    """The te tensor, int8 of that shape, that a packed one holds: a shift up to the sign, and one
    down that carries it along."""
    wide = field(bits)
    rows = stored.shape[0]

    def value(row: Any, *rest: Any) -> Any:
        up = (8 - wide) - (row // rows) * wide
        moved = (stored(row % rows, *rest) << up.astype("uint8")).astype("int8")
        return moved >> tvm.tirx.const(8 - wide, "int8")

    return te.compute(shape, value, name=UNPACK)


UNPACK = "unpack"
"""What the block of a kernel is called that unpacks."""
