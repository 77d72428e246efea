"""Why a message means what it means, and what to try: the knowledge behind a verdict's words.

Each entry was read in TVM's source at v0.15/0.16, or 0.27 for Relax, named beside it; it may end in
the stage from which on it holds. An unknown message gets no explanation, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from ..configuration import CHOICES, REFERENCE, Configuration, bits, parse, reference
from ..results.verdict import (
    CRASHED,
    NOT_JUDGED,
    NOT_QUANTIZED,
    REJECTED,
    TIMED_OUT,
    WORKS,
    WRONG,
    ThrowSite,
    Verdict,
)
from ..trace.stages import FOLDING, STAGES

_FAILED = (REJECTED, CRASHED, TIMED_OUT, WRONG, NOT_QUANTIZED)

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


def importable(node: str) -> str | None:
    """What to do about an ONNX node that TVM's importer refuses; None where nothing is known."""
    if node not in ("QuantizeLinear", "DequantizeLinear"):
        return None
    return "export what it quantizes as INT8 or UINT8: TVM imports those, and INT16 and UINT16"


def tried(verdict: Verdict) -> str:
    """What to try instead, after it was tried and worked."""
    text = f"--dtype {verdict.configuration}: it works here"
    if verdict.metrics is not None and verdict.metrics.cosine is not None:
        text += f", cosine {verdict.metrics.cosine:.3f} to float"
    if verdict.ratio is not None:
        text += f", {verdict.ratio.value:.2f} of float's time"
    return text


def suggestion(configuration: Configuration, outcome: str) -> str | None:
    """What to try instead, as a configuration to hand to --dtype; None where nothing is known."""
    if outcome == NOT_JUDGED:
        return "trained weights, or inputs that the model tells apart (--check-on)"
    if outcome not in (REJECTED, CRASHED, TIMED_OUT, WRONG):
        return None
    if configuration.dtypes == REFERENCE.dtypes:
        if configuration.fields and outcome != WRONG:
            return f"--dtype {reference(configuration).text}: TVM's default"
        if configuration.fields:
            return f"more bits, or another global_scale; --dtype {REFERENCE.text} is TVM's default"
        return None
    width = min(bits(dtype) for dtype in configuration.dtypes)
    if 2 <= width < 8:
        narrow = f"{reference(configuration).text}:nbit={width}"
        what = f"{width}-bit values kept in int8, accumulated in int32 (mind its accuracy)"
        return f"--dtype {narrow}: {what}"
    return (
        f"--dtype {reference(configuration).text}: int8 values accumulated in int32, TVM's default"
    )


def without(settings: Collection[str], configuration: Configuration, skip: str) -> str | None:
    """For a model of which no op got the dtype: the configuration without the settings that keep
    ops in float. None if there are none; `skip` is the name of the one that is a list."""
    if not settings:
        return None
    head, *extras = configuration.text.split(":")
    others = [extra for extra in extras if extra.partition("=")[0] not in settings]
    off = [f"{name}={'none' if name == skip else 0}" for name in sorted(settings)]
    these = "these settings keep" if len(off) > 1 else "this setting keeps"
    text = parse(":".join([head, *others, *off])).text
    return f"--dtype {text}: not tried; {these} ops in float"


def settle(verdicts: Sequence[Verdict]) -> None:
    """Hold what the verdicts of a run suggest against what it came to: what works is said to, and
    what failed, or keeps fewer bits of a default that failed, is no longer suggested."""
    outcomes = {verdict.configuration: verdict for verdict in verdicts}
    for verdict in verdicts:
        match = re.match(r"--dtype (\S+): ", verdict.suggestion or "")
        if match is None:
            continue
        other = outcomes.get(match[1])
        if other is not None and other.outcome == WORKS:
            verdict.suggestion = tried(other)
        elif any(one in outcomes and outcomes[one].outcome in _FAILED for one in _wider(match[1])):
            verdict.suggestion = None


def _wider(text: str) -> list[str]:
    """A configuration, and the default that it keeps fewer bits of, if it sets nothing else."""
    configuration = parse(text)
    narrowed = configuration.fields.keys() <= {"nbit_input", "nbit_weight", *CHOICES}
    if configuration.as_is or not narrowed:
        return [text]
    return [text, reference(configuration).text]
