"""The ops of the support matrix: each as a Relay module in a dtype, with operands and its result.

Importing this module imports no tvm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from ..matrix.operands import CHANNELS, SIZE, Operands, operands

_BINARY = ("conv2d", "dense", "add", "multiply", "concatenate")
# Importers always give the first two, and x86's legalization of int8 fails without.
_CONVOLUTION = {"channels": CHANNELS, "kernel_size": (3, 3), "padding": (1, 1)}


@dataclass
class Case(Operands):
    """An op in a dtype as a Relay module."""

    def module(self, constant: bool) -> Any:
        """The Relay module; with `constant`, the last operand is a constant instead of an input."""
        import tvm
        from tvm import relay

        given, parameters = [], []
        names = list(self.inputs)
        for name, value in self.inputs.items():
            if constant and name == names[-1]:
                raw = relay.const(value)
            else:
                raw = relay.var(name, shape=value.shape, dtype=str(value.dtype))
                parameters.append(raw)
            given.append(relay.cast(raw, self.dtype))
        result = apply(self.op, given, self.dtype, self.attributes)
        return tvm.IRModule.from_expr(relay.Function(parameters, relay.cast(result, "int32")))


def apply(op: str, operands: list[Any], out_dtype: str, attributes: dict[str, Any]) -> Any:
    """A call of the op."""
    from tvm import relay

    kinds: dict[str, Callable[..., Any]] = {
        "conv2d": lambda x, w: relay.nn.conv2d(x, w, out_dtype=out_dtype, **_CONVOLUTION),
        "dense": lambda x, w: relay.nn.dense(x, w, units=CHANNELS, out_dtype=out_dtype),
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
    """The op with its operands, see operands."""
    return Case(**vars(operands(op, dtype)))


def float_module(op: str) -> Any:
    """A float op of this kind behind a convolution (two, for two operands) and before another.

    `multiply` is by a constant that no pass can fold into a convolution: the quantizer refuses a
    product of two activations in any dtype (python/tvm/relay/quantize/_annotate.py).
    """
    import numpy as np
    import tvm
    from tvm import relay

    random = np.random.default_rng(0)

    def weight(*shape: int) -> Any:
        return relay.const(random.normal(0, 0.2, shape).astype("float32"))

    def conv(x: Any, channels: int = CHANNELS) -> Any:
        return relay.nn.conv2d(x, weight(CHANNELS, channels, 3, 3), **_CONVOLUTION)

    x = relay.var("x", shape=(1, CHANNELS, SIZE, SIZE), dtype="float32")
    units = CHANNELS * SIZE * SIZE
    if op == "dense":
        y = relay.nn.dense(relay.nn.batch_flatten(conv(x)), weight(units, units), units=units)
        result = conv(relay.reshape(y, (1, CHANNELS, SIZE, SIZE)))
    elif op == "conv2d":
        result = conv(conv(conv(x)))
    else:
        operands = [conv(x)]
        if op in _BINARY:
            operands.append(weight(1, CHANNELS, SIZE, SIZE) if op == "multiply" else conv(x))
        y = apply(op, operands, "float32", {"a_min": 0.0, "a_max": 6.0})
        result = conv(y, 2 * CHANNELS if op == "concatenate" else CHANNELS)
    return tvm.IRModule.from_expr(relay.Function([x], result))
