"""hhb-tvm's code generator for RISC-V refuses a vectorized cast from int8 to int32."""

import tvm
from tvm import te

data = te.placeholder((64,), "int8")
cast = te.compute((64,), lambda i: data[i].astype("int32"))
schedule = te.create_schedule(cast.op)
schedule[cast].vectorize(schedule[cast].split(cast.op.axis[0], 8)[1])
cpu = "-mcpu=generic-rv64 -mabi=lp64d -mattr=+m,+a,+f,+d,+c,+v"
print(tvm.__version__, flush=True)
tvm.build(schedule, [data, cast], f"llvm -mtriple=riscv64-unknown-linux-gnu {cpu}")
