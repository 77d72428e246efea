"""What Relay, its quantizer and its build say, as read in TVM v0.15/0.16."""

from __future__ import annotations

from ...trace.stages import RELAY
from .reason import Reason

MESSAGES = (
    Reason(
        r"Unsupport data type transform from (\w+) to (\w+) for llvm riscv intrinsic",
        "this TVM's own code generator for RISC-V has no cast of vectors from {0} to {1}",
        "src/target/llvm/codegen_riscv.cc, CodeGenRISCV::VisitExpr_, as the wheel hhb-tvm 3.2.3 "
        "has it",
        dialect=RELAY,
    ),
    Reason(
        r"^unknown data type (\w+)",
        "TVM can make constants of float16/32/64, bfloat16, bool and whole-byte integers only: "
        "TVM_DTYPE_DISPATCH has no case for {0}",
        "src/relay/transforms/pattern_utils.h, TVM_DTYPE_DISPATCH",
        dialect=RELAY,
    ),
    Reason(
        r"Do not support inputs with different data types now\. (\w+) vs\. (\w+)",
        "the x86 convolution schedule wants data and weights of one type, and got {0} and {1}",
        "python/tvm/topi/nn/conv2d.py, _get_workload",
    ),
    Reason(
        r"data types (\w+) and (\w+) do not match in BroadcastRel",
        "a rewrite for this target's fast int8 path makes {1} and meets {0} accumulators",
        "src/relay/op/type_relations.cc, BroadcastRel",
        since="lower",
        dialect=RELAY,
    ),
    Reason(
        r"data types (?=.*?\b(float16|bfloat16|float64)\b)(?:\w+ and float32|float32 and \w+) "
        r"do not match in BroadcastRel",
        "the quantizer multiplies what it quantizes by a float32 constant: it takes no values in "
        "{0}",
        "src/relay/quantize/realize.cc, QuantizeRealize",
        dialect=RELAY,
    ),
    Reason(
        r"data types (?:int8 and int32|int32 and int8) do not match in BroadcastRel",
        "the quantizer gives a concatenate of two parts the dtype of its second, int8, and what "
        "reads it counts on int32",
        "src/relay/quantize/realize.cc, UnifyDTypeScale and QuantizeRealize",
        dialect=RELAY,
        culprit="concatenate",
    ),
    Reason(
        r"data types (\w+) and (\w+) do not match in BroadcastRel",
        "the quantizer left one side in {0} and made the other {1}",
        "src/relay/op/type_relations.cc, BroadcastRel",
        dialect=RELAY,
    ),
    Reason(
        r"Check failed: \(nptr\) is false",
        "an op that joins values reads one that the quantizer made integers of and one that it "
        "left in float: its rule takes all of them or none",
        "src/relay/quantize/realize.cc, UnifyDTypeScale, of ConcatenateRealize and AddRealize",
        dialect=RELAY,
    ),
    Reason(
        r"Check failed: \([lr]hs\) is false",
        "an op with weights reads one operand that the quantizer made integers of and one that it "
        "left in float: its rule takes both or none",
        "src/relay/quantize/realize.cc, Conv2dRealize, Conv1dRealize and DenseRealize",
        dialect=RELAY,
    ),
    Reason(
        r"!new_args\[0\]->IsInstance<TempExprNode>\(\) (?:&&|\|\|) "
        r"!new_args\[1\]->IsInstance<TempExprNode>\(\)",
        "an op of two operands reads one that the quantizer made integers of and one that it left "
        "in float: its rule takes both or none",
        "src/relay/quantize/realize.cc, AddRealize and MulRealize",
        dialect=RELAY,
    ),
    Reason(
        r"no such function in module: quantize_inputs",
        "partition_conversions leaves main calling three functions, and the graph executor calls "
        "kernels only; TVM's VM (relay.vm.compile) runs such a module",
        "src/runtime/graph_executor/graph_executor.cc, CreateTVMOp; "
        "python/tvm/relay/quantize/_partition_conversions.py, fuse_partitions",
        dialect=RELAY,
    ),
    Reason(
        r"Input shape cannot be empty",
        "the quantizer puts a step of its own behind each operand, which takes no scalar: one is "
        "a constant of shape (), and would be accepted in shape (1,)",
        "src/relay/quantize/quantize.cc, SimulatedQuantizeRel",
        tried="shape (1,), on TVM 0.16",
        dialect=RELAY,
    ),
    Reason(
        r"Shift amount must be non-negative and less than (\d+) for type (\w+)",
        "two scales that meet here are 2**{0} or more apart (as with a bias near 2**-34), and the "
        "quantizer brings them together by a shift that {1} has too few bits for",
        "src/tir/op/op.cc, left_shift and right_shift; src/relay/quantize/realize.cc, "
        "QuantizeRealize and MulAndDiv",
        dialect=RELAY,
    ),
    Reason(
        r"unsupported operand type\(s\) for /: 'tuple' and 'int'",
        "this wheel's _find_scale_by_kl returns a pair (-threshold, threshold), where TVM's own "
        "returns the threshold and the calibration divides it: kl_divergence cannot work here",
        "python/tvm/relay/quantize/kl_divergence.py, _find_scale_by_kl, of the hhb-tvm wheel, "
        "beside TVM v0.15",
        dialect=RELAY,
        file="relay/quantize/_calibrate.py",
        function="visit_func",
    ),
    Reason(
        r"'Call' object is not iterable",
        "the quantizer's rule for concatenate wants a tuple that is written out, and this one is "
        "what another op returns, as a split does",
        "python/tvm/relay/quantize/_annotate.py, concatenate_rewrite",
        dialect=RELAY,
        file="relay/quantize/_annotate.py",
        function="concatenate_rewrite",
    ),
)

WARNINGS = (
    Reason(
        r"^(NCHWc layout Conv2D detected.*)",
        "TVM warns: {0}",
        "python/tvm/relay/quantize/_annotate.py, conv2d_nchwc_rewrite",
        dialect=RELAY,
    ),
)
"""What TVM warns of that explains why an op was left in float."""
