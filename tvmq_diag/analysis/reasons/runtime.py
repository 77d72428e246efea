"""What the code that both dialects have says: arithmetic on constants, code generation, storage.
And what it does without a word, where a process dies."""

from __future__ import annotations

from ...trace.stages import FOLDING
from .reason import Reason

MESSAGES = (
    Reason(
        r"dtype\.bits % 8 == 0 \((\d+) vs",
        "a tensor of {0}-bit values cannot be allocated: TVM gives whole bytes to each value",
        "src/runtime/ndarray.cc (Relay), src/runtime/memory/memory_manager.cc (Relax), "
        "VerifyDataType",
    ),
    Reason(
        r"data_bits % 8 == 0U \((\d+) vs",
        "{0}-bit values cannot be loaded or stored: generated code moves whole bytes",
        "include/tvm/runtime/data_type.h, GetVectorBytes",
    ),
    Reason(
        r"value_dtype\.bits\(\) >= 8 \((\d+) vs",
        "the LLVM code generator cannot address a buffer of {0}-bit elements",
        "src/target/llvm/codegen_llvm.cc, CodeGenLLVM::BufferAccessHelper",
    ),
    Reason(
        r"cannot make uint from negative value",
        "quantized values are signed, and this dtype holds no negative numbers",
        "include/tvm/tir/op.h, MakeConstScalar",
    ),
    Reason(
        r"Literal value (-?\d+) exceeds (?:maximum|minimum) of (\w+)",
        "the op needs the constant {0}, which {1} cannot hold",
        "src/tir/ir/expr.cc, IntImm::IntImm",
    ),
    Reason(
        r"[Dd]ivide by zero",
        "a divisor (the window size of a pooling) does not fit into this dtype and wraps to 0",
        "src/arith/const_fold.h, TryConstFold<tir::Div>",
    ),
    Reason(
        r"MatchesCode\(DLDataTypeCode::kDLFloat\)\) is false",
        "the LLVM code generator has no arithmetic on bool",
        "src/target/llvm/codegen_llvm.cc, CreateAdd, CreateMul, CreateLT, CreateGT",
    ),
    Reason(
        r"Cannot find intrinsic declaration, possible type mismatch: llvm\.(\w+)",
        "LLVM's {0} takes floats only, and here it is called on values of another type",
        "src/target/llvm/codegen_llvm.cc, CodeGenLLVM::CreateIntrinsic",
    ),
    Reason(
        r"Cannot run module, architecture mismatch",
        "it was compiled for another processor than this one: with no target in force TVM compiles "
        "for LLVM's default, which need not be the host",
        "src/target/llvm/llvm_module.cc, LLVMModuleNode::LazyInitJIT; "
        "python/tvm/relay/quantize/_calibrate.py, _get_profile_runtime",
        tried="hhb-tvm's default is riscv64",
    ),
    Reason(
        r"Expected integer argument as LHS of (\S+) operator",
        "the quantizer rescales with shifts ({0}), which only integers have",
        "src/tir/op/op.cc, type_check_integer_args",
    ),
)

DEATHS = (
    # Tensor::Empty, whose size is that of packed bits (tvm/ffi/container/tensor.h, GetDataSize), is
    # what the kernel writes to.
    Reason(
        rf"^{FOLDING} u?int([124])$",
        "FoldConstant makes room for packed {0}-bit values and runs a kernel that writes a whole "
        "byte for each: it writes past the end, and breaks the heap",
        "src/relax/transform/fold_constant.cc, ConstEvaluateCallTIR",
    ),
)
"""By the pass that a process died in, and the dtype of the result of the op it died at."""
