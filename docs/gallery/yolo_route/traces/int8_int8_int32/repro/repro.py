"""QuantizeRealize fails on this module with: data types int8 and int32 do not match in BroadcastRel

Seen with TVM 0.16.dev0, Python 3.10.13.
"""
import sys

import tvm
from tvm import relay

quantizer = sys.modules["tvm.relay.quantize.quantize"]

x1 = relay.var("x1", shape=(1, 1, 1, 1), dtype="float32")
x0 = relay.var("x0", shape=(1, 1, 1, 1), dtype="float32")
v5 = quantizer._quantize.simulated_quantize(x1, relay.const(3.725290298461914e-09, "float32"), relay.const(-2147483648.0, "float32"), relay.const(2147483648.0, "float32"), 3, True, 'round')
v9 = quantizer._quantize.simulated_quantize(x0, relay.const(0.0625, "float32"), relay.const(-127.0, "float32"), relay.const(127.0, "float32"), 1, True, 'round')
v10 = relay.Call(relay.op.get("annotation.cast_hint"), [v9], tvm.ir.make_node("relay.attrs.CastHintAttrs", dtype='int8'))
v11 = relay.Tuple([v5, v10])
v12 = relay.Call(relay.op.get("concatenate"), [v11], tvm.ir.make_node("relay.attrs.ConcatenateAttrs"))
v16 = quantizer._quantize.simulated_quantize(v12, relay.const(0.0625, "float32"), relay.const(-127.0, "float32"), relay.const(127.0, "float32"), 1, True, 'round')
module = relay.transform.InferType()(tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(v16), v16)))
with relay.quantize.qconfig():
    with tvm.transform.PassContext(opt_level=3), quantizer.quantize_context():
        print(quantizer.realize()(module))
