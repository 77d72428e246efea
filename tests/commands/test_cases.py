"""Small float nets, each after a public report about TVM's quantizer: what the command says of each
is what is true of it. What is true was established with TVM alone. They are in tests/support/cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support.listed import strangers
from support.paths import CASES

from tvmq_diag.analysis import coverage
from tvmq_diag.commands import bisect, cli
from tvmq_diag.results import store
from tvmq_diag.results.run import Role
from tvmq_diag.results.verdict import NOT_QUANTIZED, REJECTED, WORKS, WRONG, Verdict
from tvmq_diag.trace import reader

Command = Callable[..., int]
Verdicts = Mapping[str, Verdict]

INT8 = "int8/int8/int32"
STEP = "simulated_quantize"
INPUT = "a weight is no constant here, but an input of the model"
SCALAR = "one is a constant of shape ()"


def cosine(verdict: Verdict) -> float:
    assert verdict.metrics is not None and verdict.metrics.cosine is not None
    return verdict.metrics.cosine


@pytest.fixture
def verdicts(trace_quantize: Command) -> Callable[..., Verdicts]:
    """Run the command on a net; its verdicts by configuration."""

    def run(net: str, *options: str, dtype: str = INT8) -> Verdicts:
        model = f"py:{CASES}/relay_nets.py:{net}"
        words = ("--no-reference", "--out", "o", *options)
        code = trace_quantize("--model", model, "--dtype", dtype, *words)
        results = store.load(Path("o")).with_role(Role.REQUESTED)
        by_name = {result.verdict.configuration: result.verdict for result in results}
        assert not any(strangers(verdict.reason) for verdict in by_name.values())
        assert code == (0 if {v.outcome for v in by_name.values()} == {WORKS} else 1)
        return by_name

    return run


@pytest.mark.parametrize(
    ("net", "stage", "op", "message", "reason"),
    [
        ("attention", "Annotate", ("multiply", 6), "Input shape cannot be empty", SCALAR),
        ("add_wide", "Annotate", ("multiply", 8), "Input shape cannot be empty", SCALAR),
        ("half", "Realize", (STEP, 3), "float16 and float32 do not match", "float16"),
        ("conv_weight_is_an_input", "Calibrate", (STEP, 4), "AssertionError", INPUT),
    ],
)
def test_it_is_rejected(
    verdicts: Callable[..., Verdicts],
    net: str,
    stage: str,
    op: tuple[str, int],
    message: str,
    reason: str,
) -> None:
    (verdict,) = verdicts(net).values()
    assert (verdict.outcome, verdict.pass_name) == (REJECTED, f"Quantize{stage}")
    assert verdict.op is not None and (verdict.op.name, verdict.op.index) == op
    assert message in str(verdict.message) and reason in str(verdict.reason)
    assert verdict.reproducer is not None and verdict.confidence == "exact"
    assert verdict.knob is None and verdict.suggestion is None


@pytest.mark.parametrize(
    ("net", "culprit", "surfaces"), [("yolo_route_relu", 26, 27), ("shuffle_units", 47, 51)]
)
def test_the_op_that_made_the_mix_is_named_and_not_the_one_it_surfaces_at(
    verdicts: Callable[..., Verdicts], net: str, culprit: int, surfaces: int
) -> None:
    (verdict,) = verdicts(net).values()
    assert (verdict.outcome, verdict.pass_name) == (REJECTED, "QuantizeRealize")
    assert verdict.op is not None and verdict.surfaced is not None
    assert (verdict.op.name, verdict.op.index) == ("concatenate", culprit)
    assert (verdict.surfaced.name, verdict.surfaced.index) == (STEP, surfaces)
    assert str(verdict.reason).endswith(
        f"concatenate #{culprit} hands on another dtype: with its value cast to int32 the pass "
        "goes through"
    )
    assert verdict.reproducer is not None and verdict.confidence == "exact"


def test_an_if_is_what_partition_cannot_take(verdicts: Callable[..., Verdicts]) -> None:
    (verdict,) = verdicts("conditional").values()
    assert (verdict.outcome, verdict.pass_name) == (REJECTED, "QuantizePartition")
    assert verdict.op is not None and verdict.op.name == "nn.conv2d"
    assert verdict.reason is not None and verdict.reason.endswith(
        "its input is an if: with a parameter in its place the pass goes through"
    )


def test_a_skip_beside_an_upsampling_works(verdicts: Callable[..., Verdicts]) -> None:
    (verdict,) = verdicts("unet_skip").values()
    assert verdict.outcome == WORKS and cosine(verdict) > 0.99


def test_nchwc_convolutions_are_not_quantized(verdicts: Callable[..., Verdicts]) -> None:
    """No setting changes that."""
    (verdict,) = verdicts("nchwc_first").values()
    assert verdict.outcome == NOT_QUANTIZED and verdict.suggestion is None
    assert str(verdict.reason).startswith("3 ops: TVM warns: NCHWc layout Conv2D")


def test_the_first_convolution_is_skipped_and_works_where_none_is(
    verdicts: Callable[..., Verdicts],
) -> None:
    skipped, quantized = verdicts("one_conv", dtype=f"{INT8},{INT8}:skip_conv_layers=none").values()
    assert skipped.outcome == NOT_QUANTIZED and skipped.reason == "1 op: skip_conv_layers holds 0"
    assert quantized.outcome == WORKS and cosine(quantized) > 0.999
    works = f"--dtype {INT8}:skip_conv_layers=none: it works here, cosine "
    assert str(skipped.suggestion).startswith(works)


def test_a_dense_whose_weight_is_an_input_is_skipped_and_else_rejected(
    verdicts: Callable[..., Verdicts],
) -> None:
    """Neither is told to try the other."""
    both = verdicts("weight_is_an_input", dtype=f"{INT8},{INT8}:skip_dense_layer=0")
    skipped, rejected = both.values()
    assert skipped.outcome == NOT_QUANTIZED
    assert "1 op: skip_dense_layer is set, and its weight is no constant" in str(skipped.reason)
    assert (rejected.outcome, rejected.pass_name) == (REJECTED, "QuantizeCalibrate")
    assert rejected.op is not None and rejected.op.name == STEP
    assert str(rejected.reason).startswith(INPUT)
    assert skipped.suggestion is None and rejected.suggestion is None


def test_transposes_and_pads_are_no_obstacle(verdicts: Callable[..., Verdicts]) -> None:
    (verdict,) = verdicts("nhwc_with_transposes").values()
    assert verdict.outcome == WORKS and cosine(verdict) > 0.999
    covered = coverage.coverage(reader.load(next(Path("o/traces").glob("int8*/"))))
    assert covered.stages[-1].ops["int8"] == 2
    assert [op.reason for op in covered.unquantized if op.op == "nn.conv2d"] == [
        "skip_conv_layers holds 0"
    ]


def test_one_bit_has_no_magnitude(verdicts: Callable[..., Verdicts]) -> None:
    eight, one = verdicts("inverted_residual", dtype=f"{INT8},{INT8}:nbit=1").values()
    assert eight.outcome == WORKS
    assert one.outcome == WRONG and one.message == "the output is all zeros"
    assert one.knob == "nbit_input, nbit_weight"
    assert str(one.reason).endswith("values are clipped to the range [0, 0]")


@pytest.mark.parametrize(("net", "scores"), [("with_argmax", True), ("only_argmax", False)])
def test_labels_are_told_by_the_share_that_is_equal(
    verdicts: Callable[..., Verdicts], net: str, scores: bool
) -> None:
    (verdict,) = verdicts(net).values()
    assert verdict.outcome == WORKS and verdict.metrics is not None
    labels, *others = verdict.metrics.outputs
    assert labels.equal is not None and 0.95 < labels.equal.share < 1 and labels.cosine is None
    assert (verdict.metrics.cosine is not None) == scores == bool(others)
    if scores:
        assert cosine(verdict) > 0.999


def test_an_open_batch_wants_a_shape_and_works_with_one(
    trace_quantize: Command, verdicts: Callable[..., Verdicts], capsys: pytest.CaptureFixture[str]
) -> None:
    model = ("--model", f"py:{CASES}/relay_nets.py:dynamic_batch")
    assert trace_quantize(*model, "--dtype", INT8, "--out", "no") == 2
    assert "--input-shape 'data=1,8,16,16'" in capsys.readouterr().err
    (verdict,) = verdicts("dynamic_batch", "--input-shape", "2,8,16,16").values()
    assert verdict.outcome == WORKS


def test_an_error_of_the_function_is_its_own(
    trace_quantize: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ("--model", f"py:{CASES}/relay_nets.py:broken_maker")
    assert trace_quantize(*model, "--dtype", INT8, "--out", "o") == 2
    assert "ValueError: my net is not ready" in capsys.readouterr().err


def test_branches_of_very_different_range_are_added_wrong_at_level_3(
    verdicts: Callable[..., Verdicts],
) -> None:
    (verdict,) = verdicts("add_wide", "--quantize-opt-level", "3").values()
    assert verdict.outcome == WRONG and "cosine" in str(verdict.message)
    (trace,) = Path("o/traces").glob("int8*")
    assert cli.script(bisect, [str(trace)]) == 0
    (result,) = store.load(Path("o")).with_role(Role.REQUESTED)
    assert result.verdict.pass_name == "QuantizeCalibrate"
    assert result.verdict.op is not None and result.verdict.op.name == "add"


def test_a_scale_that_is_folded_into_a_weight_is_told(verdicts: Callable[..., Verdicts]) -> None:
    (verdict,) = verdicts("squeeze_excite", "--quantize-opt-level", "3").values()
    assert (verdict.outcome, verdict.pass_name) == (REJECTED, "QuantizeCalibrate")
    assert str(verdict.reason).startswith(
        "a weight is no constant here, but computed (by multiply)"
    )
    assert "FoldScaleAxis folded a factor for each channel into it, which sigmoid" in str(
        verdict.reason
    )


def test_the_wheels_own_kl_divergence_returns_a_pair(verdicts: Callable[..., Verdicts]) -> None:
    kl = f"{INT8}:calibrate_mode=kl_divergence"
    (verdict,) = verdicts("inverted_residual", "--calibrate-on", "random:2", dtype=kl).values()
    assert (verdict.outcome, verdict.pass_name) == (REJECTED, "QuantizeCalibrate")
    assert str(verdict.reason).startswith("this wheel's _find_scale_by_kl returns a pair")


def test_sums_of_16_bits_can_overflow(verdicts: Callable[..., Verdicts]) -> None:
    (verdict,) = verdicts("wide_sums", "--mcpu", "none", dtype="int8/int8/int16").values()
    assert verdict.outcome == WRONG
    assert str(verdict.reason).startswith("convolutions accumulate in int16, which has room for")


def test_parts_of_two_kinds_are_no_concatenate(verdicts: Callable[..., Verdicts]) -> None:
    (verdict,) = verdicts("concatenate_of_kinds").values()
    assert (verdict.outcome, verdict.pass_name) == (REJECTED, "QuantizeRealize")
    assert verdict.op is not None and verdict.op.name == "concatenate"
    assert str(verdict.reason).startswith(
        "the quantizer gives a concatenate of two parts the dtype"
    )


@pytest.mark.parametrize(
    ("net", "reason"),
    [
        ("volumes", "2 ops: the quantizer has no rule for nn.conv3d"),
        (
            "only_sigmoid",
            "the model has no operator that the quantizer has a rule for and that computes",
        ),
    ],
)
def test_where_nothing_is_quantized_each_op_has_its_reason(
    verdicts: Callable[..., Verdicts], net: str, reason: str
) -> None:
    (verdict,) = verdicts(net).values()
    assert verdict.outcome == NOT_QUANTIZED and verdict.suggestion is None
    assert verdict.reason == reason
