"""The ops of the support matrix: each as a Relay module in a dtype, with operands and its result.

Importing this module imports no tvm: the list of ops is the tool's too.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from typing import Any, Callable

import numpy as np

OPS = (
    "conv2d",
    "dense",
    "add",
    "multiply",
    "relu",
    "max_pool2d",
    "avg_pool2d",
    "concatenate",
    "clip",
    "cast",
)

_BINARY = ("conv2d", "dense", "add", "multiply", "concatenate")
_CHANNELS = 8
_SIZE = 4
# Importers always give the first two, and x86's legalization of int8 fails without.
_CONVOLUTION = {"channels": _CHANNELS, "kernel_size": (3, 3), "padding": (1, 1)}


@dataclass
class Case:
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

    def module(self, constant: bool) -> Any:
        """The Relay module; with `constant`, the last operand is a constant instead of an input."""
        import tvm
        from tvm import relay

        operands, parameters = [], []
        names = list(self.inputs)
        for name, value in self.inputs.items():
            if constant and name == names[-1]:
                raw = relay.const(value)
            else:
                raw = relay.var(name, shape=value.shape, dtype=str(value.dtype))
                parameters.append(raw)
            operands.append(relay.cast(raw, self.dtype))
        result = apply(self.op, operands, self.dtype, self.attributes)
        return tvm.IRModule.from_expr(relay.Function(parameters, relay.cast(result, "int32")))


def apply(op: str, operands: list[Any], out_dtype: str, attributes: dict[str, Any]) -> Any:
    """A call of the op."""
    from tvm import relay

    kinds: dict[str, Callable[..., Any]] = {
        "conv2d": lambda x, w: relay.nn.conv2d(x, w, out_dtype=out_dtype, **_CONVOLUTION),
        "dense": lambda x, w: relay.nn.dense(x, w, units=_CHANNELS, out_dtype=out_dtype),
        "add": relay.add,
        "multiply": relay.multiply,
        "relu": relay.nn.relu,
        "max_pool2d": lambda x: relay.nn.max_pool2d(x, (2, 2), (2, 2)),
        "avg_pool2d": lambda x: relay.nn.avg_pool2d(x, (2, 2), (2, 2)),
        "concatenate": lambda *xs: relay.concatenate(list(xs), axis=1),
        "clip": lambda x: relay.clip(x, **attributes),
        "cast": lambda x: x,  # the casts are all there is to it
    }
    return kinds[op](*operands)


def case(op: str, dtype: str) -> Case:
    """Seeded operands whose exact result the dtype can hold, and that result.

    So nothing depends on what TVM would do on overflow, and the readings of bool agree (add is
    also or, multiply also and). One exception: the only product of int1 values that is not 0 is
    -1 * -1, and 1 becomes -1 there. An average is rounded towards zero, as TVM's is.
    """
    low, high = bounds(dtype)
    random = np.random.default_rng(zlib.crc32(f"{op} {dtype}".encode()))

    def values(*shape: int) -> np.ndarray:
        return random.integers(low, high, shape, endpoint=True)

    x = values(1, _CHANNELS, _SIZE, _SIZE)
    if op == "conv2d":
        weight = _one_hot(random, (_CHANNELS, _CHANNELS, 3, 3), 1 if high else -1)
        return Case(op, dtype, x, weight, _wrapped(_conv2d(x, weight), low, high))
    if op == "dense":
        x, weight = values(4, 16), _one_hot(random, (_CHANNELS, 16), 1 if high else -1)
        return Case(op, dtype, x, weight, _wrapped(x @ weight.T, low, high))
    if op in ("add", "multiply"):
        combine = np.add if op == "add" else np.multiply
        y = values(*x.shape)
        exact = combine(x, y)
        y[(exact < low) | (exact > high)] = 0
        return Case(op, dtype, x, y, combine(x, y))
    if op == "concatenate":
        y = values(*x.shape)
        return Case(op, dtype, x, y, np.concatenate([x, y], axis=1))
    if op == "avg_pool2d":
        x = _one_per_window(random, low, high)
        return Case(op, dtype, x, None, np.trunc(_windows(x).sum(-1) / 4).astype(np.int64))
    if op == "clip":
        a_min, a_max = (low // 2, high // 2) if high - low > 1 else (low, high)
        limits = {"a_min": float(a_min), "a_max": float(a_max)}
        return Case(op, dtype, x, None, np.clip(x, a_min, a_max), limits)
    results = {"relu": np.maximum(x, 0), "max_pool2d": _windows(x).max(-1), "cast": x}
    return Case(op, dtype, x, None, results[op])


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


def float_module(op: str) -> Any:
    """A float op of this kind behind a convolution (two, for two operands) and before another.

    `multiply` is by a constant that no pass can fold into a convolution: the quantizer refuses a
    product of two activations in any dtype (python/tvm/relay/quantize/_annotate.py).
    """
    import tvm
    from tvm import relay

    random = np.random.default_rng(0)

    def weight(*shape: int) -> Any:
        return relay.const(random.normal(0, 0.2, shape).astype("float32"))

    def conv(x: Any, channels: int = _CHANNELS) -> Any:
        return relay.nn.conv2d(x, weight(_CHANNELS, channels, 3, 3), **_CONVOLUTION)

    x = relay.var("x", shape=(1, _CHANNELS, _SIZE, _SIZE), dtype="float32")
    units = _CHANNELS * _SIZE * _SIZE
    if op == "dense":
        y = relay.nn.dense(relay.nn.batch_flatten(conv(x)), weight(units, units), units=units)
        result = conv(relay.reshape(y, (1, _CHANNELS, _SIZE, _SIZE)))
    elif op == "conv2d":
        result = conv(conv(conv(x)))
    else:
        operands = [conv(x)]
        if op in _BINARY:
            operands.append(weight(1, _CHANNELS, _SIZE, _SIZE) if op == "multiply" else conv(x))
        y = apply(op, operands, "float32", {"a_min": 0.0, "a_max": 6.0})
        result = conv(y, 2 * _CHANNELS if op == "concatenate" else _CHANNELS)
    return tvm.IRModule.from_expr(relay.Function([x], result))


def _one_hot(random: Any, shape: tuple[int, ...], one: int) -> np.ndarray:
    """Weights that pick one input for each output: no sum can overflow."""
    weight = np.zeros((shape[0], int(np.prod(shape[1:]))), dtype=np.int64)
    weight[np.arange(shape[0]), random.integers(0, weight.shape[1], shape[0])] = one
    return weight.reshape(shape)


def _conv2d(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    taps = [
        np.einsum("nchw,oc->nohw", padded[:, :, i : i + _SIZE, j : j + _SIZE], weight[:, :, i, j])
        for i in range(3)
        for j in range(3)
    ]
    return np.asarray(sum(taps))


def _windows(x: np.ndarray) -> np.ndarray:
    """The 2x2 windows of a pooling, their four values last."""
    half = _SIZE // 2
    split = x.reshape(1, _CHANNELS, half, 2, half, 2)
    return split.transpose(0, 1, 2, 4, 3, 5).reshape(1, _CHANNELS, half, half, 4)


def _one_per_window(random: Any, low: int, high: int) -> np.ndarray:
    """One value in each window, a multiple of 4 where there is one: sum and average fit."""
    fours = [v for v in range(low, high + 1) if v % 4 == 0]
    choices = fours if len(fours) > 1 else list(range(low, high + 1))
    half = _SIZE // 2
    x = np.zeros((1, _CHANNELS, half, 2, half, 2), dtype=np.int64)
    for c, i, j in np.ndindex(_CHANNELS, half, half):
        row, column = random.integers(0, 2, 2)
        x[0, c, i, row, j, column] = random.choice(choices)
    return x.reshape(1, _CHANNELS, _SIZE, _SIZE)


def _wrapped(exact: np.ndarray, low: int, high: int) -> np.ndarray:
    return (exact - low) % (high - low + 1) + low
