"""apache-tvm 0.27.0.post1 with apache-tvm-ffi 0.1.15: tvm.ir.save_json kills the process."""

import importlib.metadata

import tvm
from tvm import relax

print(*(importlib.metadata.version(name) for name in ("apache-tvm", "apache-tvm-ffi")), flush=True)
builder = relax.BlockBuilder()
x = relax.Var("x", relax.TensorType((4,), "float32"))
with builder.function("main", [x]):
    builder.emit_func_output(builder.emit(relax.op.add(x, x)))
print(len(tvm.ir.save_json(builder.get())), "characters of JSON")
