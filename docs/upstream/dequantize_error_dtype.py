"""relax.op.dequantize refuses int4 data, and its error names float32."""

import numpy as np
import tvm
from tvm import relax

TensorType = getattr(relax, "TensorStructInfo", None) or relax.TensorType  # its name up to 0.25
data = relax.Var("data", TensorType((4,), "int4"))
scale, zero = relax.const(np.float32(1)), relax.const(np.int8(0))
builder = relax.BlockBuilder()
with builder.function("main", [data]):
    try:
        builder.emit(relax.op.dequantize(data, scale, zero, -1, "float32"))
    except TypeError as error:
        print(tvm.__version__, str(error).splitlines()[-1])
    builder.emit_func_output(data)
