"""FoldConstant fails on this module with: the process dies

Seen with TVM 0.27.0.post1, Python 3.10.13.
"""
import signal

import numpy as np
from tvm import relax
from tvm.script import ir as I, relax as R, tirx as T

@I.ir_module
class Module:
    @T.prim_func(private=True, s_tir=True)
    def cast1(A: T.Buffer((T.int64(16), T.int64(3), T.int64(3), T.int64(3)), "int8"), compute: T.Buffer((T.int64(16), T.int64(3), T.int64(3), T.int64(3)), "int4")):
        for i0, i1, i2, i3 in T.grid(T.int64(16), T.int64(3), T.int64(3), T.int64(3)):
            with T.sblock("compute"):
                v_i0, v_i1, v_i2, v_i3 = T.axis.remap("SSSS", [i0, i1, i2, i3])
                compute[v_i0, v_i1, v_i2, v_i3] = T.Cast("int4", A[v_i0, v_i1, v_i2, v_i3])
    @R.function
    def main(x0: R.Tensor((16, 3, 3, 3), dtype="int8")) -> R.Tensor((16, 3, 3, 3), dtype="int4"):
        cls = Module
        with R.dataflow():
            v0 = R.call_tir(cls.cast1, (x0,), out_ty=R.Tensor((16, 3, 3, 3), dtype="int4"))
            R.output(v0)
        return v0
module = relax.transform.BindParams("main", {"x0": np.ones((16, 3, 3, 3), "int8")})(Module)
signal.signal(signal.SIGSEGV, signal.SIG_DFL)  # TVM's own handler may hang
for _ in range(20):  # a corrupted heap shows when it is next used
    relax.transform.FoldConstant()(module)
