"""What goes into the ops of the support matrix, and what comes out: as numpy has it.

Importing this module imports no tvm: the list of ops is the tool's too.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CHANNELS = 8
SIZE = 4
"""Of a picture's sides."""


@dataclass
class Operands:
    """An op in a dtype: its operands, and what comes out.

    `first` is a float32 input, `second` (None for ops of one operand) an int8 one; `attributes`
    are the op's.
    """

    op: str
    dtype: str
    first: np.ndarray
    second: np.ndarray | None
    expected: np.ndarray
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """The graph's inputs by name."""
        named = {"first": self.first.astype("float32")}
        if self.second is not None:
            named["second"] = self.second.astype("int8")
        return named


def operands(op: str, dtype: str) -> Operands:
    """Seeded operands whose exact result the dtype can hold, and that result.

    So nothing depends on what TVM would do on overflow, and the readings of bool agree (add is
    also or, multiply also and). One exception: the only product of int1 values that is not 0 is
    -1 * -1, and 1 becomes -1 there. An average is rounded towards zero, as TVM's is.
    """
    low, high = bounds(dtype)
    random = np.random.default_rng(zlib.crc32(f"{op} {dtype}".encode()))

    def values(*shape: int) -> np.ndarray:
        return random.integers(low, high, shape, endpoint=True)

    x = values(1, CHANNELS, SIZE, SIZE)
    if op == "conv2d":
        weight = _one_hot(random, (CHANNELS, CHANNELS, 3, 3), 1 if high else -1)
        return Operands(op, dtype, x, weight, _wrapped(_conv2d(x, weight), low, high))
    if op == "dense":
        x, weight = values(4, 16), _one_hot(random, (CHANNELS, 16), 1 if high else -1)
        return Operands(op, dtype, x, weight, _wrapped(x @ weight.T, low, high))
    if op in ("add", "multiply"):
        combine = np.add if op == "add" else np.multiply
        y = values(*x.shape)
        exact = combine(x, y)
        y[(exact < low) | (exact > high)] = 0
        return Operands(op, dtype, x, y, combine(x, y))
    if op == "concatenate":
        y = values(*x.shape)
        return Operands(op, dtype, x, y, np.concatenate([x, y], axis=1))
    if op == "avg_pool2d":
        x = _one_per_window(random, low, high)
        return Operands(op, dtype, x, None, np.trunc(_windows(x).sum(-1) / 4).astype(np.int64))
    if op == "clip":
        a_min, a_max = (low // 2, high // 2) if high - low > 1 else (low, high)
        limits = {"a_min": float(a_min), "a_max": float(a_max)}
        return Operands(op, dtype, x, None, np.clip(x, a_min, a_max), limits)
    results = {"relu": np.maximum(x, 0), "max_pool2d": _windows(x).max(-1), "cast": x}
    return Operands(op, dtype, x, None, results[op])


def bounds(dtype: str) -> tuple[int, int]:
    """The least and the greatest value of a dtype that int8 can hold too."""
    if dtype == "bool":
        return 0, 1
    match = re.match(r"^(u?)int(\d+)$", dtype)
    if match is None:
        raise ValueError(f"{dtype!r} is no integer dtype")
    bits = int(match.group(2))
    if match.group(1):
        return 0, int(min(127, 2**bits - 1))
    return int(max(-128, -(2 ** (bits - 1)))), int(min(127, 2 ** (bits - 1) - 1))


def _one_hot(random: Any, shape: tuple[int, ...], one: int) -> np.ndarray:
    """Weights that pick one input for each output: no sum can overflow."""
    weight = np.zeros((shape[0], int(np.prod(shape[1:]))), dtype=np.int64)
    weight[np.arange(shape[0]), random.integers(0, weight.shape[1], shape[0])] = one
    return weight.reshape(shape)


def _conv2d(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    taps = [
        np.einsum("nchw,oc->nohw", padded[:, :, i : i + SIZE, j : j + SIZE], weight[:, :, i, j])
        for i in range(3)
        for j in range(3)
    ]
    return np.asarray(sum(taps))


def _windows(x: np.ndarray) -> np.ndarray:
    """The 2x2 windows of a pooling, their four values last."""
    half = SIZE // 2
    split = x.reshape(1, CHANNELS, half, 2, half, 2)
    return split.transpose(0, 1, 2, 4, 3, 5).reshape(1, CHANNELS, half, half, 4)


def _one_per_window(random: Any, low: int, high: int) -> np.ndarray:
    """One value in each window, a multiple of 4 where there is one: sum and average fit."""
    fours = [v for v in range(low, high + 1) if v % 4 == 0]
    choices = fours if len(fours) > 1 else list(range(low, high + 1))
    half = SIZE // 2
    x = np.zeros((1, CHANNELS, half, 2, half, 2), dtype=np.int64)
    for c, i, j in np.ndindex(CHANNELS, half, half):
        row, column = random.integers(0, 2, 2)
        x[0, c, i, row, j, column] = random.choice(choices)
    return x.reshape(1, CHANNELS, SIZE, SIZE)


def _wrapped(exact: np.ndarray, low: int, high: int) -> np.ndarray:
    return (exact - low) % (high - low + 1) + low
