"""QuantizeRealize fails on this module with: Check failed: dtype.bits % 8 == 0 (2 vs. 0)

Seen with TVM 0.16.dev0, Python 3.10.13.
"""
import sys

import tvm
from tvm import relay

quantizer = sys.modules["tvm.relay.quantize.quantize"]

x0 = relay.var("x0", shape=(1, 1, 1, 1), dtype="float32")
x1 = relay.var("x1", shape=(1, 1, 1, 1), dtype="float32")
v5 = quantizer._quantize.simulated_quantize(x0, relay.const(0.0625, "float32"), relay.const(-127.0, "float32"), relay.const(127.0, "float32"), 1, True, 'round')
v9 = quantizer._quantize.simulated_quantize(x1, relay.const(0.00390625, "float32"), relay.const(-127.0, "float32"), relay.const(127.0, "float32"), 2, True, 'round')
v10 = relay.Call(relay.op.get("nn.conv2d"), [v5, v9], tvm.ir.make_node("relay.attrs.Conv2DAttrs"))
v14 = quantizer._quantize.simulated_quantize(v10, relay.const(0.0625, "float32"), relay.const(-127.0, "float32"), relay.const(127.0, "float32"), 1, True, 'round')
module = relay.transform.InferType()(tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(v14), v14)))
with relay.quantize.qconfig(dtype_input='int2', dtype_weight='int2', dtype_activation='int2'):
    with tvm.transform.PassContext(opt_level=3), quantizer.quantize_context():
        print(quantizer.realize()(module))
