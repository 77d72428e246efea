"""Each hazard is planted and found, then taken away and gone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.builders import call, written

from tvmq_diag.analysis import coverage, hazards
from tvmq_diag.analysis.coverage import Coverage, StageCoverage
from tvmq_diag.analysis.hazards import Case
from tvmq_diag.analysis.unquantized import Unquantized
from tvmq_diag.configuration import parse
from tvmq_diag.measurements.benchmark import FLOAT, Benchmark, Kernel
from tvmq_diag.measurements.numerics import Numerics, QuantizationStep
from tvmq_diag.measurements.tuning import tuned
from tvmq_diag.trace.facts import Schedules, TraceFacts
from tvmq_diag.trace.ops import CONVOLUTION, REQUANTIZE
from tvmq_diag.trace.snapshot import Snapshot
from tvmq_diag.trace.trace import PassRun, Trace

SIDE = "int8/int8/int32"
VNNI = {"avx512vnni": True, "avx2": True}
NOTHING = {"avx512vnni": False, "avx2": False}

CONV = "tvmgen_default_fused_nn_contrib_conv2d_NCHWc_add"
PACKED = "uint8[1, 4, 58, 58, 16], int8[4, 4, 3, 3, 4, 16, 4], int8[1, 4, 56, 56, 16]"
PLAIN = "int8[1, 4, 58, 58, 16], int8[4, 4, 3, 3, 16, 16], int8[1, 4, 56, 56, 16]"
FLOATS = "float32[1, 4, 58, 58, 16], float32[4, 4, 3, 3, 16, 16], float32[1, 4, 56, 56, 16]"


def case(*kernels: tuple[str, float, str], target: dict[str, bool] = VNNI, **facts: Any) -> Case:
    """A quantized model of these kernels (name, ms, shapes), next to a float one of 1 ms."""
    measured = Benchmark(
        times={FLOAT: [1.0] * 8, SIDE: [2.0] * 8},
        kernels={
            FLOAT: [Kernel(0, CONV, 1.0, FLOATS)],
            SIDE: [Kernel(i, *kernel) for i, kernel in enumerate(kernels)],
        },
    )
    known = {"host_features": VNNI, "target_features": target, "target": "llvm", **facts}
    return Case(parse(SIDE), Trace(Path("x"), facts=TraceFacts(**known)), measured, None, SIDE)


def names(found: Case) -> list[str]:
    return [hazard.name for hazard in hazards.find(found)]


def test_a_target_without_the_hosts_instructions() -> None:
    bad = case((CONV, 3.0, PLAIN), target=NOTHING)
    there = hazards.elsewhere(SIDE)
    bad.benchmark.times.update({there: [0.5] * 8, hazards.elsewhere(FLOAT): [1.0] * 8})
    (found,) = hazards.find(bad)
    assert found.name == "no fast int8 path" and found.kind == CONVOLUTION
    assert found.gained is not None and found.gained.value == pytest.approx(0.25)
    text = " ".join(found.evidence)
    assert "AVX-512 VNNI" in text and "0 of 1 convolutions" in text
    assert "0.50 ms, 0.500 [0.500, 0.500] of the float model" in text
    assert hazards.explained(bad, [found]) == 1.0
    assert "no fast int8 path" not in names(case((CONV, 3.0, PLAIN)))


def test_it_has_the_best_so_the_second_best_is_no_loss() -> None:
    best = {"avx512vnni": True, "avx2": True, "avxvnni": False}
    one = case((CONV, 1.0, PACKED), target=best)
    one.trace.facts.host_features = {**VNNI, "avxvnni": True}
    assert names(one) == []


def test_a_tvm_that_cannot_tell_its_features_is_not_accused() -> None:
    assert names(case((CONV, 1.0, PACKED), target={})) == []


def test_convolutions_that_got_slower_or_faster() -> None:
    slower = case((CONV, 3.0, PACKED))
    assert names(slower) == ["slower int8 convolutions"]
    assert "1 of 1 convolutions" in " ".join(hazards.find(slower)[0].evidence)
    assert "tune the convolutions" in hazards.find(slower)[0].mitigation
    times = slower.benchmark.times
    times |= {FLOAT: [1.0, 1.0], SIDE: [3.0, 3.0], tuned(SIDE): [2.4, 2.4]}
    (after,) = (h for h in hazards.find(slower) if h.name == "slower int8 convolutions")
    assert after.mitigation == hazards.TUNED and after.gained is not None
    assert after.gained.value == pytest.approx(0.8)
    assert names(case((CONV, 0.3, PACKED))) == ["faster int8 convolutions"]
    assert names(case((CONV, 1.0, PACKED))) == []


def test_kernels_that_only_requantize() -> None:
    requantize = ("fused_multiply_round_clip_cast", 0.5, "int8[1, 8], int8[1, 8]")
    bad = case((CONV, 1.0, PACKED), requantize)
    assert names(bad) == ["requantizing"]
    assert hazards.find(bad)[0].kind == REQUANTIZE
    tiny = ("fused_multiply_round_clip_cast", 0.001, "int8[1, 8], int8[1, 8]")
    assert names(case((CONV, 1.0, PACKED), tiny)) == []


def test_layout_transforms() -> None:
    move = ("fused_layout_transform_1", 0.4, "int8[1, 8], int8[1, 8]")
    assert names(case((CONV, 1.0, PACKED), move)) == ["layout transforms"]


def test_sums_that_are_handed_on_in_32_bits() -> None:
    wide = PACKED.replace("int8[1, 4, 56, 56, 16]", "int32[1, 4, 56, 56, 16]")
    assert names(case((CONV, 1.0, wide))) == ["int32 between kernels"]
    assert names(case((CONV, 1.0, PACKED))) == []


def test_float_between_integers_but_not_around_them() -> None:
    island = ("fused_nn_softmax", 0.001, "float32[1, 8], float32[1, 8]")
    inner = case((CONV, 0.5, PACKED), island, (CONV, 0.5, PACKED))
    assert names(inner) == ["float islands"]
    assert names(case(island, (CONV, 1.0, PACKED), island)) == []


def test_untuned_schedules() -> None:
    bad = case((CONV, 1.0, PACKED))
    bad.benchmark.facts.schedules = {SIDE: Schedules("w", ["conv2d a"])}
    assert names(bad) == ["untuned schedules"]
    bad.benchmark.facts.schedules = {SIDE: Schedules(), FLOAT: None}
    assert names(bad) == []


@pytest.mark.parametrize(
    ("dtype", "nbit", "said"),
    [("int4", 8, "wrap around"), ("int16", 8, "wider than what it holds"), ("int8", 8, None)],
)
def test_bits_and_types_that_disagree(dtype: str, nbit: int, said: str | None) -> None:
    found = hazards.find(case(qconfig={"dtype_input": dtype, "nbit_input": nbit}))
    assert [hazard.hazard for hazard in found if said and said in hazard.hazard] == [
        hazard.hazard for hazard in found
    ]
    assert bool(found) == (said is not None)


def test_scales_that_clip() -> None:
    def step(share: float) -> QuantizationStep:
        shares = share, share, 0.0
        return QuantizationStep(0, (1,), "input", "nn.relu", (1, 8), 0.1, 127.0, *shares, 9.0)

    bad = case((CONV, 1.0, PACKED))
    bad.numerics = Numerics(steps=[step(0.2), step(0.0)])
    assert names(bad) == ["saturated scales"]
    assert "1 of 2" in hazards.find(bad)[0].evidence[0]
    bad.numerics = Numerics(steps=[step(0.0)])
    assert names(bad) == []


@pytest.mark.parametrize(("between", "found"), [("nn.relu", True), ("nn.conv2d", False)])
def test_there_and_back_again(between: str, found: bool) -> None:
    nodes = [
        call(0, "nn.conv2d", dtype="int32"),
        call(1, "cast", 0, dtype="float32"),
        call(2, between, 1, dtype="float32"),
        call(3, "cast", 2, dtype="int8"),
    ]
    one = case((CONV, 1.0, PACKED))
    one.trace.pass_runs = {1: PassRun(1, "QuantizeRealize", "realize", 0.0, end=1.0, after=1)}
    one.trace.tables = {1: written(1)}
    one.trace._snapshots = {1: Snapshot(1, tuple(nodes))}
    assert ("dequantize-requantize chains" in names(one)) is found


def test_what_no_finding_is_about_is_not_explained() -> None:
    pool = ("fused_nn_max_pool2d", 1.0, "int8[1, 8], int8[1, 8]")
    one = case((CONV, 2.0, PACKED), pool)
    found = hazards.find(one)
    assert [hazard.name for hazard in found] == ["slower int8 convolutions"]
    assert hazards.explained(one, found) == pytest.approx(0.5)
    assert hazards.explained(Case(parse(SIDE), Trace(Path("x"))), []) is None


@pytest.mark.slow
def test_on_the_real_tvm_the_missing_mcpu_is_found_and_tried(
    trace_quantize: Callable[..., int], tmp_path: Path
) -> None:
    """And with the host's own, it is not: `tiny` in half a minute."""
    common = ("--model", "tiny", "--dtype", SIDE, "--rounds", "8")
    assert trace_quantize(*common, "--mcpu", "none", "--out", "bad") == 0
    (found,) = json.loads((tmp_path / "bad" / "verdict.json").read_text())
    by_name = {hazard["name"]: hazard for hazard in found["hazards"]}
    if "no fast int8 path" not in by_name:
        pytest.skip("this processor has nothing that the target leaves out")
    assert by_name["no fast int8 path"]["gained"]["value"] < 1
    assert found["explained"] >= 0.8 and found["ratio"]["value"] > 0
    page = (tmp_path / "bad" / "index.html").read_text()
    assert "no fast int8 path" in page and "Where the error comes from" in page

    assert trace_quantize(*common, "--out", "good") == 0
    (found,) = json.loads((tmp_path / "good" / "verdict.json").read_text())
    assert "no fast int8 path" not in {hazard["name"] for hazard in found["hazards"]}
    assert found["ratio"]["low"] <= found["ratio"]["value"] <= found["ratio"]["high"]


def test_a_model_that_hardly_was_quantized(monkeypatch: pytest.MonkeyPatch) -> None:
    remaining = [Unquantized(3, "nn.conv2d", None, "skip_conv_layers holds 1")]
    stage = StageCoverage("fold", macs=Counter({"float32": 75, "int8": 25}))
    monkeypatch.setattr(coverage, "coverage", lambda trace: Coverage([stage], remaining))
    (found,) = hazards.find(case((CONV, 1.0, PACKED)))
    assert found.name == "mostly float"
    assert found.evidence == [
        "25% of the multiply-accumulates read 8 bits or fewer",
        "1 ops left in float: skip_conv_layers holds 1",
    ]
    stage.macs["int8"] = 75
    assert names(case((CONV, 1.0, PACKED))) == []
