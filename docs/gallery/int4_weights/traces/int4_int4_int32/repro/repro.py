"""FoldConstant fails on this module with: Check failed: value_dtype.bits() >= 8 (4 vs. 8)

Seen with TVM 0.16.dev0, Python 3.10.13.
"""
import tvm
from tvm import relay

v0 = relay.Constant(tvm.nd.empty((16, 16, 1, 1), "int4"))
v1 = relay.Call(relay.op.get("layout_transform"), [v0], tvm.ir.make_node("relay.attrs.LayoutTransformAttrs", src_layout='OIHW', dst_layout='OIHW16i16o'))
module = relay.transform.InferType()(tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(v1), v1)))
with tvm.target.Target('llvm -keys=cpu -mcpu=znver4 -mtriple=x86_64-unknown-linux-gnu'), tvm.transform.PassContext(opt_level=3):
    print(relay.transform.FoldConstant()(module))
