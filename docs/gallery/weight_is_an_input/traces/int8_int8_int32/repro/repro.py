"""QuantizeCalibrate fails on this module with: AssertionError

Seen with TVM 0.16.dev0, Python 3.10.13.
"""
import sys

import tvm
from tvm import relay

quantizer = sys.modules["tvm.relay.quantize.quantize"]

x0 = relay.var("x0", shape=(1, 1, 1, 1), dtype="float32")
x1 = relay.var("x1", shape=(), dtype="float32")
x2 = relay.var("x2", shape=(), dtype="float32")
x3 = relay.var("x3", shape=(), dtype="float32")
v4 = quantizer._quantize.simulated_quantize(x0, x1, x2, x3, 2, True, 'round')
module = relay.transform.InferType()(tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(v4), v4)))
with relay.quantize.qconfig():
    with tvm.transform.PassContext(opt_level=3), quantizer.quantize_context():
        print(tvm.transform.module_pass(quantizer.calibrate(None), opt_level=1)(module))
