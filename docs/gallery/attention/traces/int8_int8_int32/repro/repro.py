"""QuantizeAnnotate fails on this module with: Check failed: data->shape.size() != 0 (0 vs. 0) : Input shape cannot be empty

Seen with TVM 0.16.dev0, Python 3.10.13.
"""
import sys

import tvm
from tvm import relay

quantizer = sys.modules["tvm.relay.quantize.quantize"]

x0 = relay.var("x0", shape=(1, 1, 1), dtype="float32")
v1 = relay.Call(relay.op.get("nn.batch_matmul"), [x0, x0], tvm.ir.make_node("relay.attrs.BatchMatmulAttrs"))
v3 = relay.Call(relay.op.get("multiply"), [v1, relay.const(0.1767766922712326, "float32")])
module = relay.transform.InferType()(tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(v3), v3)))
with relay.quantize.qconfig():
    with tvm.transform.PassContext(opt_level=3), quantizer.quantize_context():
        print(quantizer.annotate()(module))
