"""Why a message means what it means: the knowledge behind a verdict's words.

Each entry was read in TVM's source at v0.15/0.16, or 0.27 for Relax, named beside it; it may end in
the stage from which on it holds. An unknown message gets no explanation, never a guess.
"""

from __future__ import annotations

import re

from ..results.verdict import ThrowSite
from ..trace.stages import FOLDING, STAGES

NO_MESSAGE = ", with no message"
"""Behind the class of an exception that says nothing."""

BEFORE_QUANTIZING = (
    "the passes that prepare a model for the quantizer read no configuration: every one fails so"
)

_WHY = [
    (
        # src/relay/transforms/pattern_utils.h, TVM_DTYPE_DISPATCH
        r"^unknown data type (\w+)",
        "TVM can make constants of float16/32/64, bfloat16, bool and whole-byte integers only: "
        "TVM_DTYPE_DISPATCH has no case for {0}",
    ),
    (
        # Relay: src/runtime/ndarray.cc; Relax: src/runtime/memory/memory_manager.cc, VerifyDataType
        r"dtype\.bits % 8 == 0 \((\d+) vs",
        "a tensor of {0}-bit values cannot be allocated: TVM gives whole bytes to each value",
    ),
    (
        # include/tvm/runtime/data_type.h, GetVectorBytes
        r"data_bits % 8 == 0U \((\d+) vs",
        "{0}-bit values cannot be loaded or stored: generated code moves whole bytes",
    ),
    (
        # src/target/llvm/codegen_llvm.cc, CodeGenLLVM::BufferAccessHelper
        r"value_dtype\.bits\(\) >= 8 \((\d+) vs",
        "the LLVM code generator cannot address a buffer of {0}-bit elements",
    ),
    (
        # python/tvm/topi/x86/conv2d_alter_op.py
        r"Do not support inputs with different data types now\. (\w+) vs\. (\w+)",
        "the x86 convolution schedule wants data and weights of one type, and got {0} and {1}",
    ),
    (
        # src/relay/op/type_relations.cc, BroadcastRel
        r"data types (\w+) and (\w+) do not match in BroadcastRel",
        "a rewrite for this target's fast int8 path makes {1} and meets {0} accumulators",
        "lower",
    ),
    (
        # the same, of what the quantizer's own passes make
        r"data types (\w+) and (\w+) do not match in BroadcastRel",
        "the quantizer left one side in {0} and made the other {1}",
    ),
    (
        # include/tvm/tir/op.h, MakeConstScalar
        r"cannot make uint from negative value",
        "quantized values are signed, and this dtype holds no negative numbers",
    ),
    (
        # src/tir/ir/expr.cc, IntImm::IntImm
        r"Literal value (-?\d+) exceeds (?:maximum|minimum) of (\w+)",
        "the op needs the constant {0}, which {1} cannot hold",
    ),
    (
        # src/arith/const_fold.h, TryConstFold<tir::Div>
        r"[Dd]ivide by zero",
        "a divisor (the window size of a pooling) does not fit into this dtype and wraps to 0",
    ),
    (
        # src/relax/op/tensor/qdq.cc, InferTypeQuantize
        r"^Unsupported output datatype attribute for operation: '(\w+)",
        "relax.quantize makes int8, uint8, int16, uint16 and float8 (e4m3fn, e5m2) only, not {0}",
    ),
    (
        # src/relax/op/tensor/qdq.cc, InferTypeDequantize
        r"^Unsupported input datatype for operation",
        "relax.dequantize refuses what it reads; TVM names the dtype of its result here",
    ),
    (
        # src/ir/expr.cc, IntImm::IntImm, from prim::min_value
        r"(-?\d+) exceeds range of int1",
        "the op needs the constant {0} (a maximum starts from the least value), and an int1 holds "
        "0 and 1 only",
    ),
    (
        # src/ir/prim/op.cc, prim::min_value
        r"Cannot decide min_value for .*bool",
        "a maximum starts from the least value of its dtype, and TVM has none for bool",
    ),
    (
        # src/target/llvm/codegen_llvm.cc, CreateAdd, CreateMul, CreateLT, CreateGT
        r"MatchesCode\(DLDataTypeCode::kDLFloat\)\) is false",
        "the LLVM code generator has no arithmetic on bool",
    ),
    (
        # src/runtime/graph_executor/graph_executor.cc, CreateTVMOp. The functions are those of
        # python/tvm/relay/quantize/_partition_conversions.py, fuse_partitions.
        r"no such function in module: quantize_inputs",
        "partition_conversions leaves main calling three functions, and the graph executor calls "
        "kernels only; TVM's VM (relay.vm.compile) runs such a module",
    ),
    (
        # src/target/llvm/codegen_llvm.cc, CreateIntrinsic. All of it was tried on TVM 0.27:
        # tests/instruments/relax/test_float8.py.
        r"if_then_else can only take scalar condition",
        "TVM converts float8 by branches, and this kernel is vectorized, where LLVM code has none; "
        "unvectorized it would be wrong: TVM 0.27 reads a float8 zero as 2**-7 (e4m3fn) or 2**-15 "
        "(e5m2), and relax.quantize rounds to integers",
    ),
    (
        # src/target/llvm/codegen_llvm.cc, CodeGenLLVM::CreateIntrinsic
        r"Cannot find intrinsic declaration, possible type mismatch: llvm\.(\w+)",
        "LLVM's {0} takes floats only, and here it is called on values of another type",
    ),
    (
        # src/relay/quantize/quantize.cc, SimulatedQuantizeRel. That it is accepted as a tensor of
        # one value was tried on TVM 0.16.
        r"Input shape cannot be empty",
        "the quantizer puts a step of its own behind each operand, which takes no scalar: one is "
        "a constant of shape (), and would be accepted in shape (1,)",
    ),
    (
        # src/tir/op/op.cc, type_check_integer_args
        r"Expected integer argument as LHS of (\S+) operator",
        "the quantizer rescales with shifts ({0}), which only integers have",
    ),
]


_WHY_THERE = {
    ("_calibrate.py", "visit_func"): (
        "a weight is no constant here, but an input of the model or computed: TVM's quantizer "
        "calibrates constants only"
    ),
    ("_partition_conversions.py", "partition_conversions"): (
        "partition_conversions=fully_integral wants nothing but the quantizer's dtypes between the "
        "first conversion and the last, and nothing but conversions before and behind"
    ),
}
"""What a bare assertion of TVM's quantizer in Python (python/tvm/relay/quantize) wants, by file and
function."""


def why_there(error: str, site: ThrowSite | None) -> str | None:
    """One clause on what an assertion without a message wants; None if it is not known."""
    if error != "AssertionError" or site is None or "relay/quantize/" not in (site.file or ""):
        return None
    return _WHY_THERE.get((str(site.file).rpartition("/")[2], str(site.function)))


def why(message: str | None, stage: str | None = None) -> str | None:
    """One clause on why TVM says this in this stage; None if the message is not known."""
    for pattern, clause, *since in _WHY:
        match = re.search(pattern, message or "")
        if match and not (since and stage in STAGES[: STAGES.index(since[0])]):
            return clause.format(*match.groups())
    return None


def why_dead(pass_name: str | None, dtype: str | None) -> str | None:
    """One clause on why a pass killed its process at an op whose result has this dtype.

    None if that is not known.
    """
    narrow = re.fullmatch(r"u?int([124])", dtype or "")
    if pass_name != FOLDING or narrow is None:
        return None
    # src/relax/transform/fold_constant.cc, ConstEvaluateCallTIR: Tensor::Empty, whose size is that
    # of packed bits (tvm/ffi/container/tensor.h, GetDataSize), is what the kernel writes to.
    return (
        f"FoldConstant makes room for packed {narrow[1]}-bit values and runs a kernel that writes "
        "a whole byte for each: it writes past the end, and breaks the heap"
    )
