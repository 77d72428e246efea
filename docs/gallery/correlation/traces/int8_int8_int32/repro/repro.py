"""QuantizePartition fails on this module with: AssertionError

Seen with TVM 0.16.dev0, Python 3.10.13.
"""
import sys

import tvm
from tvm import relay

quantizer = sys.modules["tvm.relay.quantize.quantize"]

x2 = relay.var("x2", shape=(1, 1, 1, 1), dtype="float32")
x0 = relay.var("x0", shape=(1, 1, 1, 1), dtype="float32")
x1 = relay.var("x1", shape=(1, 1, 1, 1), dtype="float32")
v3 = relay.Call(relay.op.get("nn.conv2d"), [x0, x1], tvm.ir.make_node("relay.attrs.Conv2DAttrs"))
v4 = relay.Call(relay.op.get("nn.conv2d"), [x2, v3], tvm.ir.make_node("relay.attrs.Conv2DAttrs"))
module = relay.transform.InferType()(tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(v4), v4)))
with relay.quantize.qconfig():
    with tvm.transform.PassContext(opt_level=3), quantizer.quantize_context():
        print(quantizer.partition()(module))
