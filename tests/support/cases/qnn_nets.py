"""Small nets on Relay that hold operators of QNN, as importers leave them. Runs in a TVM's Python:
`--model py:…/qnn_nets.py:NAME`. Weights are seeded by their shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import tvm
from tvm import relay

Net = "tuple[tvm.IRModule, dict[str, Any]]"


def net(x: Any, y: Any) -> Net:
    return tvm.IRModule.from_expr(relay.Function([x], y)), {}


def quantized_and_back(x: Any, scale: float) -> Any:
    """A QDQ pair in int8."""
    by, zero = relay.const(np.float32(scale)), relay.const(np.int32(0))
    q = relay.qnn.op.quantize(x, by, zero, out_dtype="int8")
    return relay.qnn.op.dequantize(q, by, zero)


def qnn_sigmoid() -> Net:
    """apache/tvm#6929, #13545: a sigmoid of uint8."""
    x = relay.var("data", shape=(1, 3, 8, 8))
    scale, zero = relay.const(np.float32(0.05)), relay.const(128)
    return net(x, relay.sigmoid(relay.qnn.op.quantize(x, scale, zero, out_dtype="uint8")))


def qdq_net() -> Net:
    """apache/tvm#7878: convolutions between QDQ pairs, their weights behind such pairs too."""
    x = relay.var("data", shape=(1, 8, 16, 16))
    y = quantized_and_back(x, 0.03)
    for of, to in ((8, 16), (16, 16), (16, 8)):
        spread = np.sqrt(2 / (of * 9))
        values = np.random.default_rng(to + of + 6).normal(0, spread, (to, of, 3, 3))
        w = quantized_and_back(relay.const(values.astype("float32")), np.abs(values).max() / 127)
        y = relay.nn.conv2d(y, w, padding=(1, 1), channels=to, kernel_size=(3, 3))
        y = quantized_and_back(relay.nn.relu(y), 0.05)
    return net(x, y)


def qdq_net_fq2i() -> Net:
    """The same as FakeQuantizationToInteger makes it."""
    module, params = qdq_net()
    module = relay.transform.FoldConstant()(relay.transform.InferType()(module))
    return relay.transform.FakeQuantizationToInteger()(module), params
