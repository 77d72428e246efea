"""relax.op.dequantize of float8 goes through int32: 3.5 is read as 3."""

import numpy as np
import tvm
from tvm import relax

TensorType = getattr(relax, "TensorStructInfo", None) or relax.TensorType  # its name up to 0.25
x = relax.Var("x", TensorType((4,), "float32"))
scale, zero = relax.const(np.float32(1)), relax.const(np.int8(0))


def run(read):
    builder = relax.BlockBuilder()
    with builder.function("main", [x]):
        with builder.dataflow():
            stored = builder.emit(relax.op.quantize(x, scale, zero, -1, "float8_e4m3fn"))
            result = builder.emit_output(read(stored))
        builder.emit_func_output(result)
    vm = relax.VirtualMachine(tvm.compile(builder.get(), target="llvm"), tvm.cpu())
    return vm["main"](tvm.runtime.tensor(np.array([0.4, 1.25, 3.5, 20], "float32"))).numpy()


print(tvm.__version__)
print("astype    ", run(lambda stored: relax.op.astype(stored, "float32")))
print("dequantize", run(lambda stored: relax.op.dequantize(stored, scale, zero, -1, "float32")))
