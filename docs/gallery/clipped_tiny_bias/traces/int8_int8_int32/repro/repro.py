"""relay.build fails on this module with: Check failed: value < 1LL << (dtype.bits() - 1) (103079215104 vs. 2147483648) : ValueError: Literal value 103079215104 exceeds maximum of int32

Seen with TVM 0.16.dev0, Python 3.10.13.
"""
import tvm
from tvm import relay

x0 = relay.var("x0", shape=(1, 1, 1, 1, 1), dtype="int32")
v1 = relay.Call(relay.op.get("clip"), [x0], tvm.ir.make_node("relay.attrs.ClipAttrs", a_min=0.0, a_max=103079215104.0))
module = relay.transform.InferType()(tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(v1), v1)))
with tvm.transform.PassContext(opt_level=2):
    relay.build(module, target='llvm -keys=cpu -mcpu=znver4 -mtriple=x86_64-unknown-linux-gnu')
