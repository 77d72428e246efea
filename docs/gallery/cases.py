"""The smallest nets that show bugs of TVM's own quantizer: `--model py:docs/gallery/cases.py:NAME`.

Each returns a Relay module and no parameters: weights are constants, seeded, so that a case gives
the same numbers each time. The input is one float32 image where the docstring names no other.
README.md beside this file says what is wrong with each. The first convolution of a net stays in
float by TVM's default (skip_conv_layers = [0] of python/tvm/relay/quantize/quantize.py), so none
has only one.
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
    """Three convolutions: with scales that are no powers of two, realize multiplies in int64."""
    return _three_convolutions()


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


def conditional() -> Net:
    """One of two branches, by a flag that is the second input."""
    x, features = _image()
    flag = relay.var("flag", shape=(), dtype="bool")
    branch = relay.If(flag, _quantized(features), features)
    y = _conv(_quantized(branch), 16, 8)
    return tvm.IRModule.from_expr(relay.Function([x, flag], y)), {}


def correlation() -> Net:
    """A siamese tracker: what a convolution made of a template is the kernel over the image."""
    x, features = _image()
    template = relay.var("template", shape=(1, 16, 4, 4))
    kernel = _conv(template, 16, 16)
    y = relay.nn.conv2d(_quantized(features), kernel, channels=1, kernel_size=(4, 4))
    return tvm.IRModule.from_expr(relay.Function([x, template], y)), {}


def attention() -> Net:
    """The products of queries and keys, divided by the root of their length: 16 tokens of 32."""
    x = relay.var("input", shape=(1, 16, 32))
    scores = relay.nn.batch_matmul(x, x) * relay.const(32**-0.5)
    return _net(x, relay.nn.batch_matmul(relay.nn.softmax(scores), x, transpose_b=False))


def blocked_layout() -> Net:
    """Three convolutions in the layout that a build for x86 gives them."""
    x, features = _image()
    module = tvm.IRModule.from_expr(relay.Function([x], _conv(_quantized(features), 16, 8)))
    with tvm.target.Target("llvm"), tvm.transform.PassContext(opt_level=3):
        return relay.transform.AlterOpLayout()(relay.transform.InferType()(module)), {}


def weight_is_an_input() -> Net:
    """The kernel of the second convolution is the second input."""
    x, features = _image()
    weight = relay.var("weight", shape=(16, 16, 3, 3))
    y = relay.nn.conv2d(features, weight, padding=(1, 1), channels=16, kernel_size=(3, 3))
    return tvm.IRModule.from_expr(relay.Function([x, weight], y)), {}


def beyond_eight() -> Net:
    """A sum of two branches, of which one is 40 times the other."""
    x, features = _image()
    wide = _quantized(features) * relay.const(np.full((16, 1, 1), 40, "float32"))
    y = relay.nn.relu(wide + _conv(features, 16, 16, size=1))
    return _net(x, _conv(y, 16, 8))


def dead_features() -> Net:
    """A layer that is never above zero, in a residual block."""
    x, features = _image()
    dead = relay.nn.relu(_conv(features, 16, 16) - relay.const(np.full((16, 1, 1), 100, "float32")))
    return _net(x, _conv(_quantized(features) + _conv(dead, 16, 16), 16, 8))


def unfolded_norm() -> Net:
    """A convolution whose results are far beyond 8, and the BatchNorm that divides them by 50."""
    x, features = _image()
    weight = relay.const(_weight(16, 16, 3, 3).data.numpy() * 50)
    y = relay.nn.conv2d(features, weight, padding=(1, 1), channels=16, kernel_size=(3, 3))
    ones, zeros = (relay.const(np.full(16, value, "float32")) for value in (1, 0))
    y = relay.nn.batch_norm(y, ones, zeros, zeros, relay.const(np.full(16, 2500, "float32")))[0]
    return _net(x, _conv(relay.nn.relu(y), 16, 8))


def one_bit() -> Net:
    """Three convolutions."""
    return _three_convolutions()


def yolo_route() -> Net:
    """The route of a YOLO: what comes up from half the size, beside what it came from."""
    x, features = _image()
    fine = _quantized(features)
    coarse = _quantized(relay.nn.max_pool2d(fine, pool_size=(2, 2), strides=(2, 2)))
    y = relay.concatenate([relay.nn.upsampling(coarse, 2, 2), fine], axis=1)
    return _net(x, _conv(y, 32, 8))


def half_precision() -> Net:
    """Three convolutions in float16, the input too."""
    module, params = _three_convolutions()
    return relay.transform.ToMixedPrecision("float16")(relay.transform.InferType()(module)), params


def tiny_bias() -> Net:
    """A bias of 5e-9, which is next to nothing."""
    x, biased = _tiny_bias()
    return _net(x, _conv(relay.nn.relu(biased), 16, 8))


def clipped_tiny_bias() -> Net:
    """The same with ReLU6 behind it, as MobileNetV2 has it."""
    x, biased = _tiny_bias()
    return _net(x, _conv(relay.clip(biased, 0, 6), 16, 8))


def partitioned() -> Net:
    """Three convolutions."""
    return _three_convolutions()


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
    """A 1 by 1 convolution of stride 2 from 14 by 14, as in the short cut of a ResNet."""
    x = relay.var("input", shape=(1, 8, 14, 14))
    y = _quantized(relay.nn.relu(_conv(x, 8, 16)))
    weight = _weight(32, 16, 1, 1)
    y = relay.nn.conv2d(y, weight, strides=(2, 2), channels=32, kernel_size=(1, 1))
    return _net(x, relay.nn.relu(y))


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


def _three_convolutions() -> Net:
    x, features = _image()
    return _net(x, _conv(_quantized(features), 16, 8))


def _tiny_bias() -> tuple[relay.Var, relay.Expr]:
    x, features = _image()
    return x, _conv(features, 16, 16) + relay.const(np.full((16, 1, 1), 5e-9, "float32"))


def _net(x: relay.Var, y: relay.Expr) -> Net:
    return tvm.IRModule.from_expr(relay.Function([x], y)), {}
