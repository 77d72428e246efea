"""The smallest nets that show bugs of TVM's own quantizer: `--model py:docs/gallery/cases.py:NAME`.

Each returns a Relay module that takes one float32 image, and no parameters: weights are constants,
seeded, so that a case gives the same numbers each time. README.md beside this file says what is
wrong with each. The first convolution of a net stays in float by TVM's default
(skip_conv_layers = [0] of python/tvm/relay/quantize/quantize.py), so none has only one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tvm
from tvm import relay

Net = tuple[tvm.IRModule, dict[str, Any]]


def fp32_result() -> Net:
    """A dense layer, as in the comment on #4458 that asks why it stays in float."""
    x = relay.var("input", shape=(1, 32))
    return _net(x, x * relay.nn.dense(x, _weight(32, 32)))


def hard_swish() -> Net:
    """x * clip(x / 6 + 1 / 2, 0, 1), which TVM's ONNX importer makes of HardSwish."""
    x, features = _image()
    y = _conv(features, 16, 16)
    gate = relay.clip(y * relay.const(1 / 6) + relay.const(0.5), 0, 1)
    return _net(x, _conv(y * gate, 16, 8))


def concat_with_float() -> Net:
    """A quantized part beside one that is not and goes beyond 8, as in a detector's head."""
    x, features = _image()
    anchors = relay.const(9.0) * relay.sigmoid(features)
    return _net(x, _conv(relay.concatenate([_quantized(features), anchors], axis=1), 32, 8))


def concat_with_int8() -> Net:
    """The part that is not quantized comes before one that a max pool left in int8."""
    x, features = _image()
    pooled = relay.nn.max_pool2d(
        _quantized(features), pool_size=(3, 3), strides=(1, 1), padding=(1, 1)
    )
    y = relay.concatenate([relay.sigmoid(features), pooled], axis=1)
    return _net(x, _conv(y, 32, 8))


def image_pooling() -> Net:
    """The end of DeepLabV3: image features, pooled and spread again, beside those of each pixel."""
    x, features = _image()
    pixels = _quantized(features)
    pooled = relay.nn.relu(_conv(relay.nn.global_avg_pool2d(pixels), 16, 16, size=1))
    pooled = relay.image.resize2d(pooled, (16, 16))
    return _net(x, _conv(relay.concatenate([pixels, pooled], axis=1), 32, 8, size=1))


def folded_gate() -> Net:
    """The block of MobileNetV3 from PyTorch, whose pool does not end the quantizing."""
    x, features = _image()
    y = _quantized(features)
    pooled = relay.nn.adaptive_avg_pool2d(y, output_size=(1, 1))
    gate = relay.sigmoid(_conv(pooled, 16, 16, size=1))
    return _net(x, _conv(_quantized(y * gate), 16, 8))


def efficient_channel_attention() -> Net:
    """The block of ECA-Net: a conv1d over what global_avg_pool2d made."""
    x, features = _image()
    y = _quantized(features)
    gate = relay.reshape(relay.nn.global_avg_pool2d(y), (1, 1, 16))
    gate = relay.nn.conv1d(gate, _weight(1, 1, 3), padding=(1, 1), channels=1, kernel_size=(3,))
    return _net(x, y * relay.sigmoid(relay.reshape(gate, (1, 16, 1, 1))))


def two_pools_added() -> Net:
    """Average and maximum of each channel, added: the attention of CBAM."""
    x, features = _image()
    y = _quantized(features)
    both = relay.nn.global_avg_pool2d(y) + relay.nn.global_max_pool2d(y)
    return _net(x, relay.nn.dense(relay.nn.batch_flatten(both), _weight(10, 16)))


def squeeze_and_excitation() -> Net:
    """The block of SENet and EfficientNet with three more convolutions behind it."""
    x, features = _image()
    y = _quantized(features)
    gate = relay.sigmoid(_conv(relay.nn.global_avg_pool2d(y), 16, 16, size=1))
    y = _quantized(_quantized(y * gate))
    return _net(x, _conv(y, 16, 8))


def fixed_point() -> Net:
    """Two convolutions: with scales that are no powers of two, realize multiplies in int64."""
    x, features = _image()
    return _net(x, _conv(_quantized(features), 16, 8))


def zero_bias() -> Net:
    """A bias of zeros, as a layer begins its training with, and nobody trained this one."""
    x, features = _image()
    y = relay.nn.bias_add(_conv(features, 16, 16), relay.const(np.zeros(16, "float32")))
    return _net(x, _conv(relay.nn.relu(y), 16, 8))


def split_and_join() -> Net:
    """The parts of a split, joined again as they are: the tuple is no tuple of the net's own."""
    x, features = _image()
    parts = relay.split(_quantized(features), 2, axis=1).astuple()
    return _net(x, _conv(relay.concatenate(parts, axis=2), 8, 8))


def _weight(*shape: int) -> relay.Constant:
    spread = np.sqrt(2 / np.prod(shape[1:]))
    values = np.random.default_rng(sum(shape)).normal(0, spread, shape)
    return relay.const(values.astype("float32"))


def _conv(x: relay.Expr, inputs: int, outputs: int, size: int = 3) -> relay.Expr:
    return relay.nn.conv2d(
        x,
        _weight(outputs, inputs, size, size),
        padding=(size // 2, size // 2),
        channels=outputs,
        kernel_size=(size, size),
    )


def _image() -> tuple[relay.Var, relay.Expr]:
    """The input, and 16 channels of features from the convolution that stays in float."""
    x = relay.var("input", shape=(1, 8, 16, 16))
    return x, relay.nn.relu(_conv(x, 8, 16))


def _quantized(x: relay.Expr) -> relay.Expr:
    """A layer of 16 channels that the quantizer takes."""
    return relay.nn.relu(_conv(x, 16, 16))


def _net(x: relay.Var, y: relay.Expr) -> Net:
    return tvm.IRModule.from_expr(relay.Function([x], y)), {}
