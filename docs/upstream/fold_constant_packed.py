"""relax.transform.FoldConstant on a cast to int4 writes past the end of its own result."""

import signal

import numpy as np
import tvm
from tvm import relax

values = relax.const(np.ones((16, 3, 3, 3), "int8"))
builder = relax.BlockBuilder()
with builder.function("main", []):
    with builder.dataflow():
        cast = builder.emit_output(relax.op.astype(values, "int4"))
    builder.emit_func_output(cast)
module = relax.transform.LegalizeOps()(builder.get())

print(tvm.__version__, flush=True)
signal.signal(signal.SIGSEGV, signal.SIG_DFL)  # TVM's own handler may hang in a broken heap
for _ in range(100):  # a broken heap shows when it is used next
    relax.transform.FoldConstant()(module)
print("folded 100 times")
