"""Values of few bits, several to a byte: packed by numpy, taken out again in a kernel.

A table of integers is packed along its rows: a byte holds the values of one column in 8, 4 or 2
rows that follow one another, the first of them in its lowest bits. So a kernel that goes along a
row reads bytes that lie side by side, and all of them are shifted alike. Kept is how far a value is
from the least that there can be, which needs no sign. Rows that are missing in the last byte are 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tvm

WIDEST = 4
"""Bits of the widest values that share a byte."""


def per_byte(bits: int) -> int:
    """How many values of `bits` bits a byte holds: 8, 4 or 2; 1 of more than 4 bits."""
    return {1: 8, 2: 4, 3: 2, 4: 2}.get(bits, 1)


def pack(table: np.ndarray, bits: int, least: int) -> np.ndarray:
    """Integers (rows, columns) of at most 4 bits, none below `least`: uint8
    (ceil(rows / per_byte), columns)."""
    many = per_byte(bits)
    rows, columns = table.shape
    above = np.zeros((-(-rows // many) * many, columns), "uint8")
    above[:rows] = table - least
    result = np.zeros((len(above) // many, columns), "uint8")
    for place in range(many):
        result |= above[place::many] << np.uint8(place * (8 // many))
    return result


def as_table(values: np.ndarray, bits: int) -> np.ndarray:
    """An array of two axes or more with some of the first for rows and the others for columns: as
    few for rows as leave least room unused in the last bytes."""
    many = per_byte(bits)

    def unused(axes: int) -> float:
        rows = int(np.prod(values.shape[:axes]))
        return -rows % many / max(rows, 1)

    axes = min(range(1, max(values.ndim, 2)), key=unused)
    rows = int(np.prod(values.shape[:axes]))
    return values.reshape(rows, -1)


def taken_out(byte: Any, place: Any, bits: int, least: int, dtype: str) -> Any:
    """In a kernel: the value in a byte that `place` others come before, as `dtype`."""
    width = 8 // per_byte(bits)
    shifted = tvm.tirx.shift_right(byte, (place * width).astype("uint8"))
    above = tvm.tirx.bitwise_and(shifted, tvm.tirx.const(2**width - 1, "uint8"))
    return above.astype(dtype) + tvm.tirx.const(least, dtype)
