"""What Relax says, as read in TVM 0.27."""

from __future__ import annotations

from ...trace.stages import RELAX
from .reason import Reason

MESSAGES = (
    Reason(
        r"^Unsupported output datatype attribute for operation: '(\w+)",
        "relax.quantize makes int8, uint8, int16, uint16 and float8 (e4m3fn, e5m2) only, not {0}",
        "src/relax/op/tensor/qdq.cc, InferTypeQuantize",
        dialect=RELAX,
    ),
    Reason(
        r"^Unsupported input datatype for operation",
        "relax.dequantize refuses what it reads; TVM names the dtype of its result here",
        "src/relax/op/tensor/qdq.cc, InferTypeDequantize",
        dialect=RELAX,
    ),
    Reason(
        r"(-?\d+) exceeds range of int1",
        "the op needs the constant {0} (a maximum starts from the least value), and an int1 holds "
        "0 and 1 only",
        "src/ir/expr.cc, IntImm::IntImm, from prim::min_value",
        dialect=RELAX,
    ),
    Reason(
        r"Cannot decide min_value for .*bool",
        "a maximum starts from the least value of its dtype, and TVM has none for bool",
        "src/ir/prim/op.cc, prim::min_value",
        dialect=RELAX,
    ),
    Reason(
        r"if_then_else can only take scalar condition",
        "TVM converts float8 by branches, and this kernel is vectorized, where LLVM code has none; "
        "unvectorized it would be wrong: TVM 0.27 reads a float8 zero as 2**-7 (e4m3fn) or 2**-15 "
        "(e5m2), and relax.dequantize reads float8 as integers",
        "src/target/llvm/codegen_llvm.cc, CreateIntrinsic",
        tried="on TVM 0.27: tests/instruments/relax/test_float8.py",
        dialect=RELAX,
    ),
)
