"""Small Relax modules, likewise: `--tvm relax --model py:…/relax_nets.py:NAME`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tvm
from tvm import relax

op = relax.op
Net = "tuple[tvm.IRModule, dict[str, Any]]"


def constant(value: Any, dtype: str = "float32") -> Any:
    return relax.const(np.asarray(value, dtype))


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(0, 0.15, shape)


def weight(*shape: int) -> Any:
    return constant(normal(*shape))


def net(shape: tuple[int, ...], make: Callable[[Any, Any], Any], dtype: str = "float32") -> Net:
    x = relax.Var("data", relax.TensorType(shape, dtype))
    builder = relax.BlockBuilder()
    with builder.function("main", [x]):
        with builder.dataflow():
            y = builder.emit_output(make(builder.emit, x))
        builder.emit_func_output(y)
    return builder.get(), {}


def tflite_qdq() -> Net:
    """apache/tvm#19534: as a quantized TFLite net is imported, int8 in and out, float between."""

    def make(emit: Any, x: Any) -> Any:
        zero = constant(0, "int8")
        d = emit(op.dequantize(x, constant(0.03), zero, axis=1))
        kernel = constant((normal(16, 8, 3, 3) * 400).clip(-127, 127), "int8")
        w = emit(op.dequantize(kernel, constant(0.0025), zero, axis=0))
        y = emit(op.nn.relu(emit(op.nn.conv2d(d, w, padding=1))))
        return op.quantize(y, constant(0.05), zero, axis=1, out_dtype="int8")

    return net((1, 8, 16, 16), make, "int8")


def qdq_int4() -> Net:
    def make(emit: Any, x: Any) -> Any:
        zero = constant(0, "int8")
        q = emit(op.quantize(x, constant(0.3), zero, axis=1, out_dtype="int4"))
        d = emit(op.dequantize(q, constant(0.3), zero, axis=1))
        return op.nn.conv2d(d, weight(16, 8, 3, 3), padding=1)

    return net((1, 8, 16, 16), make)


def group_dequantize() -> Net:
    """As mlc-llm has them: weights of four bits, eight in an uint32, decoded in the graph."""
    from tvm import te

    packed = np.random.default_rng(0).integers(0, 2**32, (32, 8), dtype="uint32")

    def decode(p: Any, s: Any) -> Any:
        def value(i: Any, j: Any) -> Any:
            nibble = (p[i, j // 8] >> ((j % 8) * 4).astype("uint32")) & tvm.tirx.const(15, "uint32")
            return (nibble.astype("float32") - 7.0) * s[i, j // 32]

        return te.compute((32, 64), value, name="decode")

    def make(emit: Any, x: Any) -> Any:
        scale = constant(np.full((32, 2), 0.05))
        w = emit(relax.BlockBuilder.current().call_te(decode, relax.const(packed), scale))
        y = emit(op.nn.relu(emit(op.matmul(x, emit(op.permute_dims(w))))))
        return op.matmul(y, weight(32, 8))

    return net((4, 64), make)


def transformer() -> Net:
    """A block of a transformer."""

    def make(emit: Any, x: Any) -> Any:
        ones, zeros = constant(np.ones(32)), constant(np.zeros(32))
        n = emit(op.nn.layer_norm(x, ones, zeros, axes=[-1]))
        weights = (constant(normal(32, 32) * (1 + 0.1 * i)) for i in range(3))
        q, k, v = (emit(op.matmul(n, w)) for w in weights)
        s = emit(op.matmul(q, emit(op.permute_dims(k, [0, 2, 1]))))
        s = emit(op.nn.softmax(emit(op.multiply(s, constant(0.18)))))
        y = emit(op.add(x, emit(op.matmul(s, v))))
        m = emit(op.nn.gelu(emit(op.matmul(y, weight(32, 64)))))
        return op.add(y, emit(op.matmul(m, weight(64, 32))))

    return net((1, 16, 32), make)
