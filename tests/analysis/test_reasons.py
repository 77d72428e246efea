"""What is said of failures, of ops in float and of exceptions without a text, on the real TVM."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from support.listed import strangers
from support.paths import CASES, InTvm

from tvmq_diag.analysis import coverage, judge, recording
from tvmq_diag.analysis.reasons import catalogue, in_float, lookup, outcomes
from tvmq_diag.results.verdict import NOT_QUANTIZED, REJECTED, ThrowSite, Verdict
from tvmq_diag.trace import reader
from tvmq_diag.trace.trace import Trace

INTEGRAL = {"partition_conversions": "fully_integral"}
UNSKIPPED = {"skip_dense_layer": False}

COMPILES: dict[str, tuple[str, dict[str, object]]] = {
    "squeeze_excite": ("squeeze_excite", {}),
    "hard_swish": ("hard_swish", {}),
    "tiny_bias": ("tiny_bias", {}),
    "concatenate_of_split": ("concatenate_of_split", {}),
    "weight_from_conv": ("weight_from_conv", {}),
    "dense_of_dense": ("dense_of_dense", UNSKIPPED),
    "dense_skipped": ("weight_is_an_input", {}),
    "conv_weight_is_an_input": ("conv_weight_is_an_input", {}),
    "fully_integral": ("inverted_residual", INTEGRAL),
    "nchwc_first": ("nchwc_first", {}),
    "volumes": ("volumes", {}),
    "only_sigmoid": ("only_sigmoid", {}),
}

Compiled = Callable[[str], Trace]


@pytest.fixture(scope="module")
def compiled(in_tvm: InTvm, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """The trace of each of these compiles, by name; all in one process."""
    folder = tmp_path_factory.mktemp("traces")
    script = "import runpy; runpy.run_module('silent_script', run_name='__main__')"
    done = in_tvm(script, str(CASES), str(folder), json.dumps(COMPILES), timeout=550)
    assert done.returncode == 0, done.stderr
    return lambda name: reader.load(folder / name)


def verdict_on(trace: Trace) -> Verdict:
    verdict = recording.judged(trace)
    assert strangers(verdict.reason) == "", "it is in no list"
    return verdict


@pytest.mark.parametrize(
    ("name", "stage", "message", "reason"),
    [
        (
            "squeeze_excite", "calibrate", "AssertionError, with no message",
            "a weight is no constant here, but computed (by multiply): TVM's quantizer calibrates "
            "constants only; ForwardFoldScaleAxis folded a factor for each channel into it, which "
            "sigmoid computes from the data, as of a squeeze-and-excitation; TVM asserts "
            "`isinstance(expr.args[0], _expr.Constant)`, where expr.args[0] is a call of multiply, "
            "float32[8, 16, 3, 3]",
        ),
        (
            "hard_swish", "annotate", "ValueError, with no message",
            "it is a product of two activations, as of a hard-swish or a gate, and the quantizer's "
            "rule for multiply takes one quantized factor only; TVM raises this where `not "
            "(lhs_kind is None and rhs_kind is None) and not (",
        ),
        (
            "tiny_bias", "fold",
            "Check failed: (pb->value >= 0 && pb->value < rtype.bits()) is false: Shift amount "
            "must be non-negative and less than 32 for type int32",
            "two scales that meet here are 2**32 or more apart (as with a bias near 2**-34), and "
            "the quantizer brings them together by a shift that int32 has too few bits for",
        ),
        (
            "concatenate_of_split", "annotate", "'Call' object is not iterable",
            "the quantizer's rule for concatenate wants a tuple that is written out, and this one "
            "is what another op returns, as a split does",
        ),
        (
            "weight_from_conv", "partition", "AssertionError, with no message",
            "the weight is computed by an op that is quantized itself (nn.max_pool2d), and the "
            "rule takes a weight in float only; TVM asserts `not kernel_cond`, where kernel_cond "
            "is True, kernel is a call of nn.max_pool2d",
        ),
        (
            "dense_of_dense", "annotate", "AssertionError, with no message",
            "the weight is computed by an op that is quantized itself (nn.dense), and the rule "
            "takes a weight in float only; TVM asserts `rhs_kind is None`, where rhs_kind is 3, "
            "rhs_expr is a call of nn.dense",
        ),
        (
            "conv_weight_is_an_input", "calibrate", "AssertionError, with no message",
            "a weight is no constant here, but an input of the model (w): TVM's quantizer "
            "calibrates constants only; TVM asserts `isinstance(expr.args[0], _expr.Constant)`, "
            "where expr.args[0] is the variable w, float32[16, 16, 3, 3]",
        ),
        (
            "fully_integral", "fold", "AssertionError, with no message",
            "partition_conversions=fully_integral wants nothing but the quantizer's dtypes between "
            "the first conversion and the last, and something has another there; TVM asserts "
            '`relay.analysis.all_dtypes(mid_mod["main"]).issubset(quantized_dtypes)`, where '
            "mid_mod is an IRModule, quantized_dtypes is set of 'int32', 'int8'",
        ),
    ],
)  # fmt: skip
def test_a_failure_has_the_reason_that_tvms_source_has(
    compiled: Compiled, name: str, stage: str, message: str, reason: str
) -> None:
    verdict = verdict_on(compiled(name))
    assert (verdict.outcome, verdict.stage, verdict.message) == (REJECTED, stage, message)
    if reason.endswith("("):
        assert str(verdict.reason).startswith(reason)
        assert "`, where lhs_kind is 1, rhs_kind is 3, QAnnotateKind.ACTIVATION is 3" in str(
            verdict.reason
        )
    else:
        assert verdict.reason == reason


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("volumes", {"nn.conv3d": "the quantizer has no rule for nn.conv3d"}),
        (
            "dense_skipped",
            {
                "nn.dense": "skip_dense_layer is set, and its weight is no constant, which TVM's "
                "quantizer does not calibrate",
                "multiply": "what it reads was left in float",
            },
        ),
        (
            "nchwc_first",
            {
                "nn.contrib_conv2d_NCHWc": "TVM warns: NCHWc layout Conv2D detected, please use a "
                "lower optimization level before applying the quantization pass as quantization "
                "will have no effect here..."
            },
        ),
        ("only_sigmoid", {}),
    ],
)
def test_each_op_in_float_has_its_reason_where_nothing_is_quantized(
    compiled: Compiled, name: str, expected: dict[str, str]
) -> None:
    trace = compiled(name)
    assert recording.judged(trace).outcome == NOT_QUANTIZED
    unquantized = coverage.coverage(trace).unquantized
    assert {op.op: op.reason for op in unquantized} == expected
    assert not [op for op in unquantized if strangers(op.reason)]
    assert not [op for op in unquantized if op.setting], "none of them would help"


def test_a_warning_is_recorded_once_with_its_line(compiled: Compiled) -> None:
    (warning,) = [w for w in compiled("nchwc_first").warnings if "NCHWc" in w.text]
    assert warning.file.endswith("tvm/relay/quantize/_annotate.py") and warning.line > 100
    assert not compiled("volumes").warnings


def test_without_any_anchor_that_is_the_reason(compiled: Compiled) -> None:
    assert judge.nothing_to_quantize(compiled("only_sigmoid")) == outcomes.NO_ANCHOR.clause
    assert judge.nothing_to_quantize(compiled("volumes")) is None


def test_an_unknown_message_has_none() -> None:
    assert lookup.of_message("it went wrong somehow", "realize", "relay") is None
    assert lookup.of_message(None) is None
    pair = "unsupported operand type(s) for /: 'tuple' and 'int'"
    elsewhere = ThrowSite("visit_func", "somebody/else.py", 3)
    assert lookup.of_message(pair, "calibrate", "relay", elsewhere) is None
    here = ThrowSite("visit_func", "tvm/relay/quantize/_calibrate.py", 163)
    assert "kl_divergence cannot work here" in str(
        lookup.of_message(pair, "calibrate", "relay", here)
    )


def test_a_reason_of_one_dialect_is_none_of_the_other() -> None:
    mixed = "data types int8 and int32 do not match in BroadcastRel"
    assert lookup.of_message(mixed, "realize", "relax") is None
    general = "the quantizer left one side in int8 and made the other int32"
    assert lookup.of_message(mixed, "realize", "relay") == general
    culprit = lookup.of_message(mixed, "realize", "relay", culprit="concatenate")
    assert str(culprit).startswith("the quantizer gives a concatenate of two parts the dtype of")
    below = lookup.of_message(mixed, "lower", "relay")
    assert str(below).startswith("a rewrite for this target's fast int8 path makes int32")


def test_what_is_in_no_clause_is_seen() -> None:
    known = in_float.NO_RULE.clause.format("nn.conv3d")
    assert catalogue.strangers(f"{known}; {outcomes.ONE_BIT.clause}") == ""
    assert catalogue.strangers(f"{known}; who knows") == ""
    assert catalogue.strangers(f"{outcomes.ONE_BIT.clause}; who knows") == "who knows"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Check failed: (nptr) is false", "an op that joins values reads one that the quantizer"),
        ("Check failed: (rhs) is false", "an op with weights reads one operand that the quantizer"),
        (
            "Check failed: (!new_args[0]->IsInstance<TempExprNode>() && "
            "!new_args[1]->IsInstance<TempExprNode>()) is false",
            "an op of two operands reads one that the quantizer",
        ),
        (
            "data types float64 and float32 do not match in BroadcastRel",
            "the quantizer multiplies what it quantizes by a float32 constant: it takes no values "
            "in float64",
        ),
    ],
)
def test_what_realize_checks(message: str, reason: str) -> None:
    """On TVM itself these are cases of docs/gallery: image_pooling, efficient_channel_attention,
    two_pools_added, half_precision."""
    said = lookup.of_message(message, "realize", "relay")
    assert said is not None and said.startswith(reason)
