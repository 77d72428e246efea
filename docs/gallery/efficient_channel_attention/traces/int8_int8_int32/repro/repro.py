"""QuantizeRealize fails on this module with: Check failed: (rhs) is false

Seen with TVM 0.16.dev0, Python 3.10.13.
"""
import sys

import tvm
from tvm import relay

quantizer = sys.modules["tvm.relay.quantize.quantize"]

x0 = relay.var("x0", shape=(1, 1, 1, 1), dtype="float32")
x1 = relay.var("x1", shape=(1, 1, 1), dtype="float32")
v5 = quantizer._quantize.simulated_quantize(x0, relay.const(0.0625, "float32"), relay.const(-127.0, "float32"), relay.const(127.0, "float32"), 1, True, 'round')
v6 = relay.Call(relay.op.get("nn.global_avg_pool2d"), [v5], tvm.ir.make_node("relay.attrs.GlobalPool2DAttrs"))
v7 = relay.Call(relay.op.get("reshape"), [v6], tvm.ir.make_node("relay.attrs.ReshapeAttrs", newshape=[1, 1, 1]))
v8 = relay.Call(relay.op.get("nn.conv1d"), [v7, x1], tvm.ir.make_node("relay.attrs.Conv1DAttrs"))
module = relay.transform.InferType()(tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(v8), v8)))
with relay.quantize.qconfig():
    with tvm.transform.PassContext(opt_level=3), quantizer.quantize_context():
        print(quantizer.realize()(module))
