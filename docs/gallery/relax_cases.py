"""The nets of cases.py in Relax, by the same names: on TVM 0.27, with this project's quantizer.

`--tvm relax --model py:docs/gallery/relax_cases.py:NAME`. Weights are seeded likewise; what a net
shows does not hang on their values. A case that names a pass or a setting that Relax has not is in
NOT_APPLICABLE instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tvm
from tvm import relax

op = relax.op
Expr = relax.Expr
Net = tuple[tvm.IRModule, dict[str, Any]]

NOT_APPLICABLE = {
    "blocked_layout": "no AlterOpLayout",
    "partitioned": "no partition_conversions",
}
"""What Relax has not, by case."""

_IMAGE = (1, 8, 16, 16)


def fp32_result() -> Net:
    """A dense layer times its input."""
    return _net(lambda x: op.multiply(x, _dense(x, 32, 32)), (1, 32))


def hard_swish() -> Net:
    """x * clip(x / 6 + 1 / 2, 0, 1)."""

    def make(x: Expr) -> Expr:
        y = _conv(_features(x), 16, 16)
        gate = _emit(op.add(_emit(op.multiply(y, _number(1 / 6))), _number(0.5)))
        return _conv(_emit(op.multiply(y, _emit(op.clip(gate, 0, 1)))), 16, 8)

    return _net(make)


def concat_with_float() -> Net:
    """A quantized part beside one that goes beyond 8."""

    def make(x: Expr) -> Expr:
        features = _features(x)
        anchors = _emit(op.multiply(_number(9.0), _emit(op.sigmoid(features))))
        return _conv(_joined([_layer(features), anchors]), 32, 8)

    return _net(make)


def concat_with_int8() -> Net:
    """A sigmoid before what comes from a max pool."""

    def make(x: Expr) -> Expr:
        features = _features(x)
        pooled = _emit(op.nn.max_pool2d(_layer(features), pool_size=(3, 3), padding=(1, 1)))
        return _conv(_joined([_emit(op.sigmoid(features)), pooled]), 32, 8)

    return _net(make)


def image_pooling() -> Net:
    """The end of DeepLabV3."""

    def make(x: Expr) -> Expr:
        pixels = _layer(_features(x))
        pooled = _emit(op.nn.relu(_conv(_pooled(pixels), 16, 16, size=1)))
        return _conv(_joined([pixels, _resized(pooled)]), 32, 8, size=1)

    return _net(make)


def folded_gate() -> Net:
    """The block of MobileNetV3."""

    def make(x: Expr) -> Expr:
        return _conv(_layer(_gated(_layer(_features(x)))), 16, 8)

    return _net(make)


def efficient_channel_attention() -> Net:
    """The block of ECA-Net."""

    def make(x: Expr) -> Expr:
        y = _layer(_features(x))
        gate = _emit(op.reshape(_pooled(y), (1, 1, 16)))
        gate = _emit(op.nn.conv1d(gate, _weight(1, 1, 3), padding=1))
        return _emit(op.multiply(y, _emit(op.sigmoid(_emit(op.reshape(gate, (1, 16, 1, 1)))))))

    return _net(make)


def two_pools_added() -> Net:
    """The attention of CBAM."""

    def make(x: Expr) -> Expr:
        y = _layer(_features(x))
        highest = _emit(op.max(y, axis=[2, 3], keepdims=True))
        both = _emit(op.add(_pooled(y), highest))
        return _dense(_emit(op.reshape(both, (1, 16))), 16, 10)

    return _net(make)


def squeeze_and_excitation() -> Net:
    """The block of SENet with three more convolutions behind it."""

    def make(x: Expr) -> Expr:
        return _conv(_layer(_layer(_gated(_layer(_features(x))))), 16, 8)

    return _net(make)


def fixed_point() -> Net:
    """Three convolutions."""
    return _three_convolutions()


def zero_bias() -> Net:
    """A bias of zeros."""
    return _biased(0.0, op.nn.relu)


def split_and_join() -> Net:
    """The parts of a split, joined again as they are."""

    def make(x: Expr) -> Expr:
        parts = _emit(op.split(_layer(_features(x)), 2, axis=1))
        return _conv(_emit(op.concat(parts, axis=2)), 8, 8)

    return _net(make)


def conditional() -> Net:
    """One of two branches, by a flag."""
    x = relax.Var("input", relax.TensorType(_IMAGE, "float32"))
    flag = relax.Var("flag", relax.TensorType((), "bool"))
    builder = relax.BlockBuilder()
    with builder.function("main", [x, flag]):
        features = _features(x)
        layer = op.nn.relu(op.nn.conv2d(features, _weight(16, 16, 3, 3), padding=1))
        branch = builder.emit(relax.If(flag, layer, op.nn.relu(features)))
        builder.emit_func_output(_conv(_layer(branch), 16, 8))
    return builder.get(), {}


def correlation() -> Net:
    """A kernel that a convolution made."""

    def make(x: Expr, template: Expr) -> Expr:
        return _emit(op.nn.conv2d(_layer(_features(x)), _conv(template, 16, 16)))

    return _net(make, _IMAGE, (1, 16, 4, 4))


def attention() -> Net:
    """The products of queries and keys, divided by the root of their length."""

    def make(x: Expr) -> Expr:
        products = _emit(op.matmul(x, _emit(op.permute_dims(x, (0, 2, 1)))))
        scores = _emit(op.nn.softmax(_emit(op.multiply(products, _number(32**-0.5)))))
        return _emit(op.matmul(scores, x))

    return _net(make, (1, 16, 32))


def weight_is_an_input() -> Net:
    """The kernel of the second convolution is the second input."""

    def make(x: Expr, weight: Expr) -> Expr:
        return _emit(op.nn.conv2d(_features(x), weight, padding=1))

    return _net(make, _IMAGE, (16, 16, 3, 3))


def beyond_eight() -> Net:
    """A sum of two branches, of which one is 40 times the other."""

    def make(x: Expr) -> Expr:
        features = _features(x)
        wide = _emit(op.multiply(_layer(features), _channels(40)))
        y = _emit(op.nn.relu(_emit(op.add(wide, _conv(features, 16, 16, size=1)))))
        return _conv(y, 16, 8)

    return _net(make)


def dead_features() -> Net:
    """A layer that is never above zero, in a residual block."""

    def make(x: Expr) -> Expr:
        features = _features(x)
        below = _emit(op.subtract(_conv(features, 16, 16), _channels(100)))
        dead = _conv(_emit(op.nn.relu(below)), 16, 16)
        return _conv(_emit(op.add(_layer(features), dead)), 16, 8)

    return _net(make)


def unfolded_norm() -> Net:
    """A convolution whose results are far beyond 8, and the BatchNorm that divides them by 50."""

    def make(x: Expr) -> Expr:
        weight = relax.const((_values(16, 16, 3, 3) * 50).astype("float32"))
        y = _emit(op.nn.conv2d(_features(x), weight, padding=1))
        vectors = (relax.const(np.full(16, value, "float32")) for value in (1, 0, 0, 2500))
        y = _emit(op.nn.batch_norm(y, *vectors, axis=1, training=False)[0])
        return _conv(_emit(op.nn.relu(y)), 16, 8)

    return _net(make)


def one_bit() -> Net:
    """Three convolutions."""
    return _three_convolutions()


def yolo_route() -> Net:
    """The route of a YOLO."""

    def make(x: Expr) -> Expr:
        fine = _layer(_features(x))
        halved = _emit(op.nn.max_pool2d(fine, pool_size=(2, 2), strides=(2, 2)))
        return _conv(_joined([_resized(_layer(halved)), fine]), 32, 8)

    return _net(make)


def half_precision() -> Net:
    """Three convolutions in float16."""

    def make(x: Expr) -> Expr:
        y = x
        for inputs, outputs in ((8, 16), (16, 16), (16, 8)):
            weight = relax.const(_values(outputs, inputs, 3, 3).astype("float16"))
            y = _emit(op.nn.relu(_emit(op.nn.conv2d(y, weight, padding=1))))
        return y

    return _net(make, dtype="float16")


def tiny_bias() -> Net:
    """A bias of 5e-9."""
    return _biased(5e-9, op.nn.relu)


def clipped_tiny_bias() -> Net:
    """The same with ReLU6 behind it."""
    return _biased(5e-9, lambda y: op.clip(y, 0, 6))


def int8_sums() -> Net:
    """Three convolutions."""
    return _three_convolutions()


def int4_steps() -> Net:
    """Three convolutions."""
    return _three_convolutions()


def int2_steps() -> Net:
    """Three convolutions."""
    return _three_convolutions()


def int4_weights() -> Net:
    """Three convolutions."""
    return _three_convolutions()


def strided_kernel() -> Net:
    """A 1 by 1 convolution of stride 2 from 14 by 14."""

    def make(x: Expr) -> Expr:
        weight = _weight(32, 16, 1, 1)
        return _emit(op.nn.relu(_emit(op.nn.conv2d(_layer(_features(x)), weight, strides=2))))

    return _net(make, (1, 8, 14, 14))


def _values(*shape: int) -> np.ndarray:
    spread = np.sqrt(2 / np.prod(shape[1:]))
    return np.random.default_rng(sum(shape)).normal(0, spread, shape)


def _weight(*shape: int) -> Expr:
    return relax.const(_values(*shape).astype("float32"))


def _number(value: float) -> Expr:
    return relax.const(value, "float32")


def _channels(value: float) -> Expr:
    return relax.const(np.full((16, 1, 1), value, "float32"))


def _emit(value: Expr) -> Expr:
    return relax.BlockBuilder.current().emit(value)


def _conv(x: Expr, inputs: int, outputs: int, size: int = 3) -> Expr:
    weight = _weight(outputs, inputs, size, size)
    return _emit(op.nn.conv2d(x, weight, padding=size // 2))


def _dense(x: Expr, inputs: int, outputs: int) -> Expr:
    return _emit(op.matmul(x, _weight(inputs, outputs)))


def _features(x: Expr) -> Expr:
    """16 channels of features from the first convolution."""
    return _emit(op.nn.relu(_conv(x, 8, 16)))


def _layer(x: Expr) -> Expr:
    return _emit(op.nn.relu(_conv(x, 16, 16)))


def _pooled(x: Expr) -> Expr:
    return _emit(op.nn.adaptive_avg_pool2d(x, (1, 1)))


def _gated(x: Expr) -> Expr:
    return _emit(op.multiply(x, _emit(op.sigmoid(_conv(_pooled(x), 16, 16, size=1)))))


def _resized(x: Expr) -> Expr:
    return _emit(op.image.resize2d(x, (16, 16), layout="NCHW", method="nearest_neighbor"))


def _joined(parts: list[Expr]) -> Expr:
    return _emit(op.concat(parts, axis=1))


def _biased(value: float, activation: Callable[[Expr], Expr]) -> Net:
    """A bias of one value behind the second of three convolutions, and an activation."""

    def make(x: Expr) -> Expr:
        y = _emit(op.add(_conv(_features(x), 16, 16), _channels(value)))
        return _conv(_emit(activation(y)), 16, 8)

    return _net(make)


def _three_convolutions() -> Net:
    return _net(lambda x: _conv(_layer(_features(x)), 16, 8))


def _net(make: Callable[..., Expr], *shapes: tuple[int, ...], dtype: str = "float32") -> Net:
    """What `make` makes of inputs of these shapes, of one image without any."""
    inputs = [
        relax.Var(f"input_{place}", relax.TensorType(shape, dtype))
        for place, shape in enumerate(shapes or (_IMAGE,))
    ]
    builder = relax.BlockBuilder()
    with builder.function("main", inputs):
        with builder.dataflow():
            y = builder.emit_output(make(*inputs))
        builder.emit_func_output(y)
    return builder.get(), {}
