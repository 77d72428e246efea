"""QuantizeRealize fails on this module with: data types float16 and float32 do not match in BroadcastRel

Seen with TVM 0.16.dev0, Python 3.10.13.
"""
import sys

import tvm
from tvm import relay

quantizer = sys.modules["tvm.relay.quantize.quantize"]

x0 = relay.var("x0", shape=(1, 1, 1, 1), dtype="float16")
v4 = quantizer._quantize.simulated_quantize(x0, relay.const(0.0625, "float32"), relay.const(-127.0, "float32"), relay.const(127.0, "float32"), 1, True, 'round')
module = relay.transform.InferType()(tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(v4), v4)))
with relay.quantize.qconfig():
    with tvm.transform.PassContext(opt_level=3), quantizer.quantize_context():
        print(quantizer.realize()(module))
