"""The tiny net, and its quantization. Runs in a TVM with Relay."""

from __future__ import annotations

import tvm
from tvm import relay

from instruments import QuantizeTrace
from instruments.protocol.jobs import ModelSource
from instruments.relay.compile import models


def quantize(model, **fields):
    with relay.quantize.qconfig(**fields):
        return relay.quantize.quantize(model.fresh(), dict(model.params))


INT4 = {"dtype_input": "int4", "dtype_weight": "int4", "dtype_activation": "int4"}
model = models.load(ModelSource("tiny"))
