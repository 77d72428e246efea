"""Legalize fails on this module with: data types int8 and int32 do not match in BroadcastRel

Seen with TVM 0.16.dev0, Python 3.10.13.
"""
import tvm
from tvm import relay

x0 = relay.var("x0", shape=(1, 1, 1, 1), dtype="int8")
x1 = relay.var("x1", shape=(1, 1, 1, 1), dtype="int8")
v2 = relay.Call(relay.op.get("nn.conv2d"), [x0, x1], tvm.ir.make_node("relay.attrs.Conv2DAttrs", kernel_size=[1, 1], out_dtype='int8'))
module = relay.transform.InferType()(tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(v2), v2)))
with tvm.target.Target('llvm -keys=cpu -mcpu=znver4 -mtriple=x86_64-unknown-linux-gnu'), tvm.transform.PassContext(opt_level=3):
    print(relay.transform.Legalize()(module))
