"""Bits of each weight on Relay: what the realized module holds, and what else stays as it was."""

from __future__ import annotations

import json

from support.paths import InTvm

REALIZED = """
import json, sys
import numpy as np, tvm
from tvm import relay
from instruments.protocol.jobs import ModelSource
from instruments.relay.compile import nets
from instruments.relay.quantizer.weight_bits import weight_bits

model = nets.tiny(ModelSource("tiny"))

def held(bits, **fields):  # weights of three or more axes, and biases, as the largest step of each
    with weight_bits(bits), relay.quantize.qconfig(**fields):
        module = relay.quantize.quantize(model.fresh(), dict(model.params))
    weights, biases = [], []
    def look(node):
        if isinstance(node, relay.Constant) and str(node.data.dtype).startswith("int"):
            values = node.data.numpy()
            if values.ndim == 4:
                weights.append(values)
            elif values.ndim == 3:
                biases.append(values)
    relay.analysis.post_order_visit(module["main"], look)
    return weights, biases

def plain(**fields):
    with relay.quantize.qconfig(**fields):
        return relay.quantize.quantize(model.fresh(), dict(model.params))

weights, biases = held("843")
_, own = held("888")
with weight_bits("888"):
    inside = plain()
told = {
    "largest": [int(np.abs(w).max()) for w in weights],
    "biases": [bool(np.array_equal(a, b)) for a, b in zip(biases, own)],
    "eights": bool(tvm.ir.structural_equal(inside, plain())),
}
try:
    held("84")
except ValueError as error:
    told["refused"] = str(error)
try:
    held("809")
except ValueError as error:
    told["no digits"] = str(error)
print(json.dumps(told))
"""


def test_each_weight_has_its_bits_and_all_else_stays(in_tvm: InTvm) -> None:
    told = json.loads(in_tvm(REALIZED).stdout)
    first, second, third = told["largest"]
    assert 7 < first <= 127 and 3 < second <= 7 and 1 < third <= 3
    assert all(told["biases"])
    assert told["eights"]
    assert "2 digits, and 3 weights" in told["refused"]
    assert "809 is not digits from 1 to 8" in told["no digits"]
