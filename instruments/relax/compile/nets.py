"""The nets that are always there, as Relax modules."""

from __future__ import annotations

from typing import Any

import numpy as np
from tvm import relax

from ...inputs import digits as trained
from ...inputs.models import Model, only_shape
from ...protocol.jobs import ModelSource
from ...tvm_types import Expr
from ..compat import TENSOR


def tiny(source: ModelSource) -> Model:
    """Four convolutions with bias, a residual add, both poolings and a dense layer."""
    generator = np.random.default_rng(source.seed)
    builder = relax.BlockBuilder()
    emit = builder.emit

    def weight(*size: int) -> np.ndarray:
        spread = np.sqrt(2.0 / max(1, int(np.prod(size[1:]))))
        return generator.normal(0, spread, size).astype("float32")

    def conv(x: Any, inputs: int, outputs: int) -> Any:
        kernel, bias = weight(outputs, inputs, 3, 3), weight(outputs)
        x = emit(relax.op.nn.conv2d(x, relax.const(kernel), padding=(1, 1)))
        return emit(relax.op.add(x, relax.const(bias.reshape(1, outputs, 1, 1))))

    def relu(x: Any) -> Any:
        return emit(relax.op.nn.relu(x))

    size = only_shape(source, [1, 3, 32, 32])
    data = relax.Var("input", TENSOR(size, "float32"))
    with builder.function("main", [data]):
        with builder.dataflow():
            x = relu(conv(data, size[1], 16))
            x = emit(relax.op.nn.max_pool2d(x, pool_size=(2, 2), strides=(2, 2)))
            y = relu(conv(x, 16, 16))
            x = relu(emit(relax.op.add(x, conv(y, 16, 16))))
            x = relu(conv(x, 16, 32))
            x = emit(relax.op.nn.adaptive_avg_pool2d(x, (1, 1)))
            x = emit(relax.op.reshape(x, (size[0], 32)))
            dense = np.ascontiguousarray(weight(10, 32).T)
            x = emit(relax.op.matmul(x, relax.const(dense)))
            x = builder.emit_output(relax.op.add(x, relax.const(weight(10))))
        builder.emit_func_output(x)
    return Model(builder.get(), {}, {})


class _Layers:
    """See instruments.inputs.digits.Layers. The weights are constants."""

    def __init__(self, builder: relax.BlockBuilder, weights: dict[str, np.ndarray]) -> None:
        self._emit = builder.emit
        self._weights = weights

    def convolution(self, x: Expr, name: str) -> Expr:
        kernel = relax.const(self._weights[f"{name}.conv.weight"])
        x = self._emit(relax.op.nn.conv2d(x, kernel, padding=(1, 1)))
        norms = ("weight", "bias", "running_mean", "running_var")
        norm = [relax.const(self._weights[f"{name}.norm.{part}"]) for part in norms]
        whole = self._emit(
            relax.op.nn.batch_norm(x, *norm, axis=1, epsilon=trained.EPSILON, training=False)
        )
        return self._emit(relax.TupleGetItem(whole, 0))

    def relu(self, x: Expr) -> Expr:
        return self._emit(relax.op.nn.relu(x))

    def add(self, x: Expr, y: Expr) -> Expr:
        return self._emit(relax.op.add(x, y))

    def max_pool(self, x: Expr) -> Expr:
        return self._emit(relax.op.nn.max_pool2d(x, pool_size=(2, 2), strides=(2, 2)))

    def mean(self, x: Expr) -> Expr:
        return self._emit(relax.op.mean(x, axis=[2, 3]))

    def dense(self, x: Expr, name: str) -> Expr:
        weight = np.ascontiguousarray(self._weights[f"{name}.weight"].T)
        x = self._emit(relax.op.matmul(x, relax.const(weight)))
        return self._emit(relax.op.add(x, relax.const(self._weights[f"{name}.bias"])))


def digits(source: ModelSource) -> Model:
    """The trained net for handwritten digits. Raises ModelError for another shape than its own."""
    shape = trained.shape(only_shape(source, list(trained.SHAPE)))
    builder = relax.BlockBuilder()
    layers = _Layers(builder, trained.weights())
    data = relax.Var(trained.INPUT, TENSOR(shape, "float32"))
    with builder.function("main", [data]):
        with builder.dataflow():
            scores = builder.emit_output(trained.net(layers, data))
        builder.emit_func_output(scores)
    return Model(builder.get(), {}, {}, preprocessing=trained.PREPROCESSING)
