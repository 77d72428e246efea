"""Why an op is left in float, in a clause each: by what the settings and the rules of a dialect's
quantizer say (tvmq_diag.trace.ops.Quantizer), and by what FakeQuantizationToInteger does.
`unquantized` and `coverage` decide which."""

from __future__ import annotations

from ...instruments.protocol import islands
from ...trace.ops import RELAX, RELAY
from .reason import Circumstance

_ANNOTATE = "python/tvm/relay/quantize/_annotate.py"
_QUANTIZE = "python/tvm/relay/quantize/quantize.py"
_OWN = "instruments/relax/quantizer/annotate.py, this project's own"
_FOLD = "src/relay/transforms/fake_quantization_to_integer.cc"

LISTED = Circumstance(
    f"the setting {RELAY.quantizer.skip} (Relay) or {RELAX.quantizer.skip} (Relax) lists it",
    "{0} holds {1}",
    f"{_QUANTIZE}, QuantizeContext.check_to_skip; {_OWN}, _skipped",
)
SWITCHED = Circumstance(
    "a setting leaves out every op of its kind", "{0} is set", f"{_ANNOTATE}, dense_rewrite"
)
UNCALIBRATED = Circumstance(
    "behind either: without the setting it would be rejected",
    "and its weight is no constant, which TVM's quantizer does not calibrate",
    "python/tvm/relay/quantize/_calibrate.py, _set_params",
)
ENDS_HERE = Circumstance(
    "the first global pooling that reads quantized values",
    "quantization ends here ({0})",
    f"{_ANNOTATE}, global_avg_pool2d_rewrite",
)
ENDED = Circumstance(
    "everything behind that",
    "quantization ends behind the first {0} ({1})",
    f"{_ANNOTATE}, global_avg_pool2d_rewrite",
)
NO_RULE = Circumstance(
    "the quantizer has no rule for its operator",
    "the quantizer has no rule for {0}",
    f"{_ANNOTATE}, register_annotate_function; {_OWN}, ANCHORS and PASS_THROUGH",
)
PASSED_OVER = tuple(
    Circumstance(f"{op}", clause, f"{_ANNOTATE}, conv2d_nchwc_rewrite")
    for op, clause in RELAY.quantizer.passed_over.items()
)
ON_DEQUANTIZED = Circumstance(
    "it reads dequantized values, on Relax",
    "it computes on dequantized values",
    f"{_OWN}; of a model that arrives quantized: its own operators",
)
ADDS_CONSTANT = Circumstance(
    "an addition of a constant, on Relax",
    "the quantizer adds constants in float",
    f"{_OWN}, _is_residual",
)
OTHER_SHAPES = Circumstance(
    "an addition of tensors that are no constants, on Relax",
    "the quantizer adds tensors of one shape only, and these are broadcast",
    f"{_OWN}, _is_residual",
)
OTHER_FLOATS = Circumstance(
    "an op on another float, on Relax",
    "the quantizer takes float32 and float16 only, and it reads {0}",
    f"{_OWN}, is_float in compat.py",
)
READS_FLOAT = Circumstance(
    "its rule wants a quantized value, and none of what it reads is one",
    "what it reads was left in float",
    f"{_ANNOTATE}, identity_rewrite, pool2d_rewrite, add_rewrite, multiply_rewrite: a kind of "
    f"None; {_OWN}, _pass",
)
WAS_FLOAT = Circumstance(
    "an op of a model that arrives quantized",
    "it reads values that nobody quantized",
    "no dequantization of the model's own is before it",
)
UNKNOWN = Circumstance(
    "nothing of the above explains it", "not known why", "nothing was established"
)
ISLANDS = tuple(
    Circumstance("an op in float between the integers of a model that arrives", clause, _FOLD)
    for clause in islands.CLAUSES
)

ALL = (
    LISTED, SWITCHED, UNCALIBRATED, ENDS_HERE, ENDED, NO_RULE, *PASSED_OVER,
    ON_DEQUANTIZED, ADDS_CONSTANT, OTHER_SHAPES, OTHER_FLOATS, READS_FLOAT, WAS_FLOAT, *ISLANDS,
    UNKNOWN,
)  # fmt: skip
