"""What TVM's quantizer in Python (TVM v0.15/0.16) asserts and raises without a word: by the
function, the statement, and the values that were recorded in it.

The numbers are those of QAnnotateKind (python/tvm/relay/quantize/quantize.py): 1 an input's step, 2
a weight's, 3 an activation.
"""

from __future__ import annotations

from ...trace.stages import RELAY
from .reason import Reason

_CALIBRATE = "relay/quantize/_calibrate.py"
_ANNOTATE = "relay/quantize/_annotate.py"
_PARTITION = "relay/quantize/_partition.py"
_CONVERSIONS = "relay/quantize/_partition_conversions.py"


def _weight(clause: str, **values: str) -> Reason:
    return Reason(
        # Traces of before do not have the statement.
        r"^$|^assert isinstance\(expr\.args\[0\], _expr\.Constant\)",
        clause,
        f"python/tvm/{_CALIBRATE}, visit_func",
        dialect=RELAY,
        file=_CALIBRATE,
        function="visit_func",
        values={"expr.args[0]": values["value"]} if values else {},
    )


def _quantized_weight(file: str, function: str, statement: str, value: str) -> Reason:
    return Reason(
        rf"^assert {statement}$",
        "the weight is computed by an op that is quantized itself ({0}), and the rule takes a "
        "weight in float only",
        f"python/tvm/{file}, {function}",
        dialect=RELAY,
        file=file,
        function=function,
        values={value: r"^(?:a call of )?([^,]+)"},
    )


def _conversions(statement: str, clause: str) -> Reason:
    return Reason(
        rf"^assert {statement}",
        f"partition_conversions=fully_integral {clause}",
        f"python/tvm/{_CONVERSIONS}, partition_conversions",
        dialect=RELAY,
        file=_CONVERSIONS,
        function="partition_conversions",
    )


STATEMENTS = (
    _weight(
        "a weight is no constant here, but an input of the model ({0}): TVM's quantizer calibrates "
        "constants only",
        value=r"^the variable ([^,]+)",
    ),
    _weight(
        "a weight is no constant here, but computed (by {0}): TVM's quantizer calibrates constants "
        "only",
        value=r"^a call of ([^,]+)",
    ),
    _weight(
        "a weight is no constant here, but an input of the model or computed: TVM's quantizer "
        "calibrates constants only"
    ),
    Reason(
        r"^raise ValueError",
        "it is a product of two activations, as of a hard-swish or a gate, and the quantizer's "
        "rule for multiply takes one quantized factor only",
        f"python/tvm/{_ANNOTATE}, multiply_rewrite",
        values={"lhs_kind": r"^[13]$", "rhs_kind": r"^[13]$"},
        dialect=RELAY,
        file=_ANNOTATE,
        function="multiply_rewrite",
    ),
    Reason(
        r"^raise ValueError",
        "the quantized factor stands on the right, and the rule for multiply of this TVM takes it "
        "on the left only",
        f"python/tvm/{_PARTITION}, mul_partition_generic, of TVM 0.9",
        dialect=RELAY,
        file=_PARTITION,
        function="mul_partition_generic",
    ),
    _quantized_weight(_PARTITION, "conv2d_partition_function", "not kernel_cond", "kernel"),
    *(
        _quantized_weight(_ANNOTATE, f"{op}_rewrite", "rhs_kind is None", "rhs_expr")
        for op in ("conv2d", "conv1d", "dense")
    ),
    _conversions(
        r"has_only_conversion_ops\(pre_mod",
        "wants nothing but conversions before the first quantized value, and something computes in "
        "float there",
    ),
    _conversions(
        r"relay\.analysis\.all_dtypes\(mid_mod",
        "wants nothing but the quantizer's dtypes between the first conversion and the last, and "
        "something has another there",
    ),
    _conversions(
        r"has_only_conversion_ops\(post_mod",
        "wants nothing but conversions behind the last quantized value, and something computes in "
        "float there",
    ),
    Reason(
        # Of traces that do not have the statement yet.
        r"^$",
        "partition_conversions=fully_integral wants nothing but the quantizer's dtypes between the "
        "first conversion and the last, and nothing but conversions before and behind",
        f"python/tvm/{_CONVERSIONS}, partition_conversions",
        dialect=RELAY,
        file=_CONVERSIONS,
        function="partition_conversions",
    ),
)  # fmt: skip
