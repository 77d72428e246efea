"""The nets that are always there, as Relay modules."""

from __future__ import annotations

from typing import Any

import numpy as np
import tvm
from tvm import relay

from ...inputs import digits as trained
from ...inputs.models import Model, only_shape
from ...protocol.jobs import ModelSource
from ...tvm_types import Expr


def tiny(source: ModelSource) -> Model:
    """Four convolutions with bias, a residual add, both poolings and a dense layer."""
    generator = np.random.default_rng(source.seed)
    params: dict[str, Any] = {}

    def weight(name: str, *size: int) -> Any:
        spread = np.sqrt(2.0 / max(1, int(np.prod(size[1:]))))
        values = generator.normal(0, spread, size)
        params[name] = tvm.nd.array(values.astype("float32"))
        return relay.var(name, shape=size)

    def conv(x: Any, name: str, inputs: int, outputs: int) -> Any:
        kernel = weight(f"{name}.weight", outputs, inputs, 3, 3)
        bias = weight(f"{name}.bias", outputs)
        x = relay.nn.conv2d(x, kernel, padding=(1, 1), channels=outputs, kernel_size=(3, 3))
        return relay.nn.bias_add(x, bias)

    size = only_shape(source, [1, 3, 32, 32])
    data = relay.var("input", shape=tuple(size))
    x = relay.nn.relu(conv(data, "conv0", size[1], 16))
    x = relay.nn.max_pool2d(x, pool_size=(2, 2), strides=(2, 2))
    y = relay.nn.relu(conv(x, "conv1", 16, 16))
    y = conv(y, "conv2", 16, 16)
    x = relay.nn.relu(relay.add(x, y))
    x = relay.nn.relu(conv(x, "conv3", 16, 32))
    x = relay.nn.batch_flatten(relay.nn.global_avg_pool2d(x))
    x = relay.nn.dense(x, weight("fc.weight", 10, 32))
    x = relay.nn.bias_add(x, weight("fc.bias", 10))
    main = relay.Function([data, *relay.analysis.free_vars(x)[1:]], x)
    return Model(relay.transform.InferType()(tvm.IRModule.from_expr(main)), params, {})


class _Layers:
    """See instruments.inputs.digits.Layers. The weights are parameters, as frontends leave them."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self._weights = weights
        self.params: dict[str, Any] = {}

    def convolution(self, x: Expr, name: str) -> Expr:
        kernel = self._parameter(f"{name}.conv.weight")
        norms = ("weight", "bias", "running_mean", "running_var")
        norm = [self._parameter(f"{name}.norm.{part}") for part in norms]
        channels = self._weights[f"{name}.conv.weight"].shape[0]
        x = relay.nn.conv2d(x, kernel, padding=(1, 1), channels=channels, kernel_size=(3, 3))
        return relay.nn.batch_norm(x, *norm, epsilon=trained.EPSILON)[0]

    def relu(self, x: Expr) -> Expr:
        return relay.nn.relu(x)

    def add(self, x: Expr, y: Expr) -> Expr:
        return relay.add(x, y)

    def max_pool(self, x: Expr) -> Expr:
        return relay.nn.max_pool2d(x, pool_size=(2, 2), strides=(2, 2))

    def mean(self, x: Expr) -> Expr:
        return relay.nn.batch_flatten(relay.nn.global_avg_pool2d(x))

    def dense(self, x: Expr, name: str) -> Expr:
        x = relay.nn.dense(x, self._parameter(f"{name}.weight"))
        return relay.nn.bias_add(x, self._parameter(f"{name}.bias"))

    def _parameter(self, name: str) -> Expr:
        value = self._weights[name]
        self.params[name] = tvm.nd.array(value)
        return relay.var(name, shape=value.shape)


def digits(source: ModelSource) -> Model:
    """The trained net for handwritten digits. Raises ModelError for another shape than its own."""
    layers = _Layers(trained.weights())
    data = relay.var(trained.INPUT, shape=trained.shape(only_shape(source, list(trained.SHAPE))))
    scores = trained.net(layers, data)
    main = relay.Function(relay.analysis.free_vars(scores), scores)
    module = relay.transform.InferType()(tvm.IRModule.from_expr(main))
    return Model(module, layers.params, {}, preprocessing=trained.PREPROCESSING)
