"""Small float nets on Relay, each after a public report about TVM's quantizer. Runs in a TVM's
Python: `--model py:…/relay_nets.py:NAME`. Weights are seeded by their shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import tvm
from tvm import relay

Net = "tuple[tvm.IRModule, dict[str, Any]]"


def weight(*shape: int, dtype: str = "float32") -> Any:
    spread = np.sqrt(2 / max(1, np.prod(shape[1:])))
    values = np.random.default_rng(sum(shape)).normal(0, spread, shape)
    return relay.const(values.astype("float32").astype(dtype))


def conv(
    x: Any, of: int, to: int, k: int = 3, groups: int = 1, strides: int = 1, dtype: str = "float32"
) -> Any:
    return relay.nn.conv2d(
        x,
        weight(to, of // groups, k, k, dtype=dtype),
        padding=(k // 2, k // 2),
        channels=to,
        kernel_size=(k, k),
        groups=groups,
        strides=(strides, strides),
    )


def relu_conv(x: Any, of: int, to: int, **more: Any) -> Any:
    return relay.nn.relu(conv(x, of, to, **more))


def image(channels: int = 8, batch: Any = 1, dtype: str = "float32") -> Any:
    return relay.var("data", shape=(batch, channels, 16, 16), dtype=dtype)


def net(inputs: Any, result: Any) -> Net:
    parameters = inputs if isinstance(inputs, list) else [inputs]
    return tvm.IRModule.from_expr(relay.Function(parameters, result)), {}


def nchwc_first() -> Net:
    """apache/tvm#2646: it went through AlterOpLayout before it is quantized."""
    x = image(16)
    module, params = net(x, conv(relu_conv(relu_conv(x, 16, 16), 16, 16), 16, 16))
    module = relay.transform.InferType()(module)
    with tvm.target.Target("llvm"), tvm.transform.PassContext(opt_level=3):
        return relay.transform.AlterOpLayout()(module), params


def nhwc_with_transposes() -> Net:
    """An NHWC net, brought to NCHW: pads and transposes between the convolutions."""
    x = relay.var("data", shape=(1, 16, 16, 8))
    y, channels = x, 8
    for _ in range(3):
        y = relay.nn.pad(y, ((0, 0), (1, 1), (1, 1), (0, 0)))
        y = relay.transpose(y, (0, 3, 1, 2))
        y = relay.nn.conv2d(y, weight(16, channels, 3, 3), channels=16, kernel_size=(3, 3))
        y = relay.transpose(y, (0, 2, 3, 1))
        y = relay.nn.relu(relay.nn.bias_add(y, relay.const(np.full(16, 0.1, "float32")), axis=3))
        channels = 16
    return net(x, y)


def attention() -> Net:
    """apache/tvm#7814, #11586: attention of a vision transformer, scaled by a scalar constant."""
    x = relay.var("data", shape=(1, 16, 32))
    flat = relay.reshape(x, (16, 32))
    q, k, v = (relay.expand_dims(relay.nn.dense(flat, weight(32, 32)), 0) for _ in range(3))
    scores = relay.nn.batch_matmul(q, k) * relay.const(np.float32(1 / 32**0.5))
    y = relay.nn.batch_matmul(relay.nn.softmax(scores), relay.transpose(v, (0, 2, 1)))
    return net(x, y)


def yolo_route_relu() -> Net:
    """A route of YOLO: an upsampled branch and one from before, concatenated."""
    x = image()
    a = relu_conv(relu_conv(x, 8, 16), 16, 16)
    b = relu_conv(relu_conv(a, 16, 32, strides=2), 32, 16, k=1)
    y = relay.concatenate([relay.nn.upsampling(b, 2, 2), a], axis=1)
    return net(x, conv(relu_conv(y, 32, 16), 16, 18, k=1))


def inverted_residual() -> Net:
    """A block of MobileNetV2, with relu6."""
    x = image()
    y = conv(x, 8, 16)
    z = relay.clip(conv(y, 16, 64, k=1), 0, 6)
    z = relay.clip(conv(z, 64, 64, groups=64), 0, 6)
    return net(x, conv(y + conv(z, 64, 16, k=1), 16, 8, k=1))


def weight_is_an_input() -> Net:
    """A comment on apache/tvm#4458: the weight of a dense is an input."""
    x, w = relay.var("x", shape=(1, 32)), relay.var("w", shape=(32, 32))
    return net([x, w], x * relay.nn.dense(x, w))


def conv_weight_is_an_input() -> Net:
    x, w = relay.var("x", shape=(1, 8, 16, 16)), relay.var("w", shape=(16, 16, 3, 3))
    y = relu_conv(x, 8, 16)
    y = relay.nn.conv2d(y, w, padding=(1, 1), channels=16, kernel_size=(3, 3))
    return net([x, w], y)


def _scores(x: Any) -> Any:
    return conv(relu_conv(relu_conv(x, 8, 16), 16, 16), 16, 10)


def with_argmax() -> Net:
    """Labels beside scores, as detectors have them."""
    x = image()
    y = _scores(x)
    return net(x, relay.Tuple([relay.argmax(y, axis=1), y]))


def only_argmax() -> Net:
    x = image()
    return net(x, relay.argmax(_scores(x), axis=1))


def one_conv() -> Net:
    x = image()
    return net(x, relu_conv(x, 8, 16))


def half() -> Net:
    """A net in half precision."""
    x = image(dtype="float16")
    y = relu_conv(relu_conv(x, 8, 16, dtype="float16"), 16, 16, dtype="float16")
    return net(x, conv(y, 16, 8, dtype="float16"))


def dynamic_batch() -> Net:
    x = image(batch=relay.Any())
    return net(x, conv(relu_conv(x, 8, 16), 16, 8))


def broken_maker() -> Net:
    raise ValueError("my net is not ready")


def add_wide() -> Net:
    """A residual of two branches of very different range."""
    x = image()
    y = relu_conv(x, 8, 16)
    a = relu_conv(y, 16, 16) * relay.const(np.float32(40))
    return net(x, conv(relay.nn.relu(a + conv(y, 16, 16, k=1)), 16, 8))


def unet_skip() -> Net:
    """A U-Net's skip, with an upsampling beside it."""
    x = image()
    a = relu_conv(x, 8, 16)
    a = relu_conv(a, 16, 16)
    b = relay.nn.max_pool2d(a, (2, 2), (2, 2))
    b = relu_conv(b, 16, 32)
    b = relu_conv(b, 32, 16)
    y = relay.concatenate([a, relay.nn.upsampling(b, 2, 2)], axis=1)
    return net(x, conv(relu_conv(y, 32, 16), 16, 8, k=1))


def shuffle_units() -> Net:
    """Two units of ShuffleNetV2: split, one half through a branch, joined, channels shuffled."""
    x = image()
    y = relu_conv(x, 8, 16)
    for _ in range(2):
        halves = relay.split(y, 2, axis=1)
        b = relay.nn.relu(conv(halves[1], 8, 8, k=1))
        b = relay.nn.relu(conv(conv(b, 8, 8, groups=8), 8, 8, k=1))
        y = relay.concatenate([halves[0], b], axis=1)
        y = relay.transpose(relay.reshape(y, (1, 2, 8, 16, 16)), (0, 2, 1, 3, 4))
        y = relay.reshape(y, (1, 16, 16, 16))
    return net(x, conv(y, 16, 8))


def conditional() -> Net:
    """One of two branches, by an input."""
    x, flag = image(), relay.var("flag", shape=(), dtype="bool")
    a = relu_conv(x, 8, 16)
    b = relu_conv(a, 16, 16)
    c = relu_conv(a, 16, 16, k=1)
    y = relay.nn.relu(conv(relay.If(flag, b, c), 16, 16))
    return net([x, flag], conv(y, 16, 8))


def squeeze_excite() -> Net:
    """A squeeze-and-excitation, whose scale FoldScaleAxis folds into a weight."""
    x = image()
    y = relu_conv(x, 8, 16)
    s = relay.nn.global_avg_pool2d(y)
    s = relay.sigmoid(conv(relu_conv(s, 16, 4, k=1), 4, 16, k=1))
    return net(x, conv(y * s, 16, 8))


def per_channel(value: float) -> Any:
    return relay.const(np.full((1, 1, 1), value, "float32"))


def hard_swish() -> Net:
    """Of MobileNetV3: a product of two activations."""
    x = image()
    y = conv(relu_conv(x, 8, 16), 16, 16)
    return net(x, y * relay.clip(y + per_channel(3), 0, 6) * per_channel(1 / 6))


def tiny_bias() -> Net:
    """A bias of 2^-34: its scale and the convolution's are too far apart for a shift."""
    x = image()
    y = conv(relu_conv(x, 8, 16), 16, 16)
    y = relay.nn.bias_add(y, relay.const(np.full(16, 2.0**-34, "float32")))
    return net(x, conv(relay.nn.relu(y), 16, 8))


def concatenate_of_split() -> Net:
    """What a split returns, concatenated as it is."""
    x = image()
    halves = relay.split(relu_conv(relu_conv(x, 8, 16), 16, 16), 2, axis=1)
    return net(x, conv(relay.concatenate(halves.astuple(), axis=1), 16, 8))


def concatenate_of_kinds() -> Net:
    """A float part, then a quantized one: the first stays wide."""
    x = image()
    y = relu_conv(x, 8, 16)
    parts = [relay.sigmoid(y), conv(y, 16, 16)]
    return net(x, conv(relay.concatenate(parts, axis=1), 32, 8))


def weight_from_conv() -> Net:
    """A convolution by what another makes, as of a correlation."""
    x = image()
    y = relu_conv(x, 8, 16)
    w = relay.nn.max_pool2d(relu_conv(y, 16, 16), (8, 8), (8, 8))
    return net(x, relay.nn.conv2d(y, w, channels=1, kernel_size=(2, 2)))


def dense_of_dense() -> Net:
    x = relay.var("data", shape=(4, 32))
    a, b = (relay.nn.dense(x, weight(16, 32)) for _ in range(2))
    return net(x, relay.nn.dense(a, b))


def wide_sums() -> Net:
    """Sums of 576 products of one sign: more than 16 bits."""
    x = image(64)
    values = np.abs(np.random.default_rng(0).normal(0, 0.05, (64, 64, 3, 3)))
    y = relay.nn.conv2d(
        relu_conv(x, 64, 64),
        relay.const(values.astype("float32")),
        padding=(1, 1),
        channels=64,
        kernel_size=(3, 3),
    )
    return net(x, y)


def volumes() -> Net:
    """Convolutions in three dimensions."""
    x = relay.var("data", shape=(1, 4, 8, 8, 8))
    y, channels = x, 4
    for _ in range(2):
        w = weight(8, channels, 3, 3, 3)
        y = relay.nn.relu(
            relay.nn.conv3d(y, w, padding=(1, 1, 1), channels=8, kernel_size=(3, 3, 3))
        )
        channels = 8
    return net(x, y)


def only_sigmoid() -> Net:
    """Nothing that a quantizer is for."""
    x = image()
    return net(x, relay.sigmoid(x))
