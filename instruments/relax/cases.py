"""The ops of the support matrix as Relax modules in a dtype, with operands and their result.

Importing this module imports no tvm.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Callable

from ..matrix.operands import CHANNELS, SIZE, Operands, operands

_ALIKE = {"matmul": "dense", "concat": "concatenate", "astype": "cast"}
"""What ..operands calls them."""

_BINARY = ("add", "multiply", "concat")


@dataclasses.dataclass
class Case(Operands):
    """An op in a dtype as a Relax module."""

    def module(self, constant: bool) -> Any:
        """The module; with `constant`, the last operand is a constant instead of an input.

        Raises what TVM's type inference does.
        """
        from tvm import relax

        raw: list[Any] = []
        names = list(self.inputs)
        for name, value in self.inputs.items():
            if constant and name == names[-1]:
                raw.append(relax.const(value))
            else:
                raw.append(relax.Var(name, tensor(value.shape, str(value.dtype))))

        def body(emit: Callable[[Any], Any]) -> Any:
            given = [emit(relax.op.astype(operand, self.dtype)) for operand in raw]
            result = apply(self.op, given, self.dtype, self.attributes)
            result = given[0] if result is None else emit(result)
            return emit(relax.op.astype(result, "int32"))

        return built([operand for operand in raw if isinstance(operand, relax.Var)], body)


def case(op: str, dtype: str) -> Case:
    """The op with its operands, see operands."""
    found = operands(_ALIKE.get(op, op), dtype)
    given = {**vars(found), "op": op}
    if op == "matmul" and found.second is not None:  # dense has the outputs first
        given["second"] = found.second.T.copy()
    return Case(**given)


def apply(op: str, given: list[Any], out_dtype: str, attributes: dict[str, Any]) -> Any:
    """A call of the op; None for a cast, as the casts around it are all there is to it."""
    from tvm import relax

    kinds: dict[str, Callable[..., Any]] = {
        "conv2d": lambda x, w: relax.op.nn.conv2d(x, w, padding=(1, 1), out_dtype=out_dtype),
        "matmul": lambda x, w: relax.op.matmul(x, w, out_dtype),
        "add": relax.op.add,
        "multiply": relax.op.multiply,
        "relu": relax.op.nn.relu,
        "max_pool2d": lambda x: relax.op.nn.max_pool2d(x, (2, 2), (2, 2)),
        "avg_pool2d": lambda x: relax.op.nn.avg_pool2d(x, (2, 2), (2, 2)),
        "concat": lambda *xs: relax.op.concat(list(xs), axis=1),
        "clip": lambda x: relax.op.clip(x, int(attributes["a_min"]), int(attributes["a_max"])),
        "astype": lambda x: None,
    }
    return kinds[op](*given)


def float_module(op: str) -> Any:
    """A float op of this kind behind a convolution (two, for two operands) and before another."""
    import numpy as np
    from tvm import relax

    random = np.random.default_rng(0)

    def weight(*shape: int) -> Any:
        return relax.const(random.normal(0, 0.2, shape).astype("float32"))

    x = relax.Var("x", tensor((1, CHANNELS, SIZE, SIZE), "float32"))

    def body(emit: Callable[[Any], Any]) -> Any:
        def conv(data: Any, channels: int = CHANNELS) -> Any:
            kernel = weight(CHANNELS, channels, 3, 3)
            return emit(relax.op.nn.conv2d(data, kernel, padding=(1, 1)))

        if op == "conv2d":
            return conv(conv(conv(x)))
        if op == "matmul":
            return emit(relax.op.matmul(conv(x), weight(SIZE, SIZE)))
        given = [conv(x)]
        if op in _BINARY:
            given.append(conv(x))
        result = apply(op, given, "float32", {"a_min": 0.0, "a_max": 6.0})
        return conv(emit(result), 2 * CHANNELS if op == "concat" else CHANNELS)

    return built([x], body)


def built(parameters: list[Any], body: Callable[[Callable[[Any], Any]], Any]) -> Any:
    """A module whose main has these parameters and computes what `body` emits and returns."""
    from tvm import relax

    builder = relax.BlockBuilder()
    with builder.function("main", parameters):
        with builder.dataflow():
            result = builder.emit_output(body(builder.emit))
        builder.emit_func_output(result)
    return builder.get()


def tensor(shape: Any, dtype: str) -> Any:
    """The type of a tensor."""

    from .compat import TENSOR  # here: what imports this module need not have a TVM

    return TENSOR(tuple(shape), dtype)
