"""Small nets that arrive quantized, or are not imported, and small modules of Relax, each after a
public report: what the command says of each is what is true of it. As in test_cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support.listed import strangers
from support.paths import CASES

from tvmq_diag.analysis import coverage
from tvmq_diag.analysis.coverage import Coverage
from tvmq_diag.configuration import parse
from tvmq_diag.results import store
from tvmq_diag.results.run import Role
from tvmq_diag.results.verdict import (
    NOT_IMPORTED,
    NOT_JUDGED,
    NOT_QUANTIZED,
    REJECTED,
    WORKS,
    Verdict,
)
from tvmq_diag.trace import reader

Command = Callable[..., int]
Verdicts = Mapping[str, Verdict]

INT8 = "int8/int8/int32"


def qnn(net: str) -> str:
    return f"py:{CASES}/qnn_nets.py:{net}"


def relax(net: str) -> str:
    return f"py:{CASES}/relax_nets.py:{net}"


def onnx(net: str) -> str:
    return f"onnx:{CASES}/{net}.onnx"


def covered(configuration: str) -> Coverage:
    return coverage.coverage(reader.load(Path("o/traces") / parse(configuration).slug))


@pytest.fixture
def verdicts(trace_quantize: Command) -> Callable[..., Verdicts]:
    """Run the command on a model; its verdicts by configuration."""

    def run(model: str, dtype: str, *options: str) -> Verdicts:
        words = ("--no-reference", "--out", "o", *options)
        code = trace_quantize("--model", model, "--dtype", dtype, *words)
        results = store.load(Path("o")).with_role(Role.REQUESTED)
        by_name = {result.verdict.configuration: result.verdict for result in results}
        assert not any(strangers(verdict.reason) for verdict in by_name.values())
        assert code == (0 if {v.outcome for v in by_name.values()} == {WORKS} else 1)
        return by_name

    return run


def test_a_sigmoid_of_integers_fails_unquantized_too(verdicts: Callable[..., Verdicts]) -> None:
    (verdict,) = verdicts(qnn("qnn_sigmoid"), INT8).values()
    assert (verdict.outcome, verdict.stage) == (REJECTED, "codegen") and verdict.float_fails
    assert "llvm.exp" in str(verdict.message)
    assert "LLVM's exp takes floats only" in str(verdict.reason)
    assert verdict.op is not None and (verdict.op.name, verdict.op.index) == ("sigmoid", 1)


def test_what_is_quantized_on_top_has_no_constant_weights(
    verdicts: Callable[..., Verdicts],
) -> None:
    (verdict,) = verdicts(qnn("qdq_net"), INT8, "--quantize-anyway").values()
    assert (verdict.outcome, verdict.pass_name) == (REJECTED, "QuantizeCalibrate")
    assert str(verdict.reason).startswith("a weight is no constant here, but computed (by qn")


def test_what_was_folded_before_arrives_in_integers(
    trace_quantize: Command,
    verdicts: Callable[..., Verdicts],
    capsys: pytest.CaptureFixture[str],
) -> None:
    net = qnn("qdq_net_fq2i")
    assert trace_quantize("--model", net, "--dtype", INT8, "--out", "no") == 2
    assert "arrives quantized" in capsys.readouterr().err
    (verdict,) = verdicts(net, "as-is").values()
    assert verdict.outcome == NOT_JUDGED, "there is no other runtime to compare it with"
    (stage,) = covered("as-is").stages
    assert stage.ops == Counter({"int8": 3})


@pytest.mark.parametrize("net", ["qdq_scalar", "qdq_channel"])
def test_the_fold_takes_scales_of_every_kind(verdicts: Callable[..., Verdicts], net: str) -> None:
    as_is, folded = verdicts(onnx(net), "as-is,as-is:fq2i").values()
    for verdict in (as_is, folded):
        assert verdict.outcome == WORKS and verdict.against == "ONNX Runtime"
        assert verdict.metrics is not None and (verdict.metrics.cosine or 0) > 0.999
    assert covered("as-is").stages[-1].ops == Counter({"float32": 1})
    assert covered("as-is:fq2i").stages[-1].ops == Counter({"int8": 1})


def test_an_ill_typed_module_is_the_importers(verdicts: Callable[..., Verdicts]) -> None:
    (verdict,) = verdicts(onnx("qlinearmatmul_vector"), INT8).values()
    assert (verdict.outcome, verdict.pass_name) == (NOT_IMPORTED, "InferType")
    assert verdict.op is not None and verdict.op.name == "qnn.dequantize"
    assert verdict.reason == "TVM's importer made a module that TVM's own passes refuse"
    assert verdict.knob is None and verdict.suggestion is None


def test_a_node_that_is_not_imported_is_named(verdicts: Callable[..., Verdicts]) -> None:
    (verdict,) = verdicts(onnx("matmulintegertofloat"), INT8).values()
    assert verdict.outcome == NOT_IMPORTED and verdict.pass_name is None
    assert str(verdict.message).startswith("ONNX node y (MatMulIntegerToFloat): ")


def test_what_is_quantized_in_the_file_alone_is_float(verdicts: Callable[..., Verdicts]) -> None:
    (verdict,) = verdicts(onnx("dynamic_quantized"), "as-is").values()
    assert verdict.outcome == NOT_QUANTIZED
    assert str(verdict.message).startswith("none of its operators reads quantized values")


@pytest.mark.parametrize("net", ["tflite_qdq", "transformer"])
def test_it_works_on_relax(verdicts: Callable[..., Verdicts], net: str) -> None:
    (verdict,) = verdicts(relax(net), f"{INT8}:pipeline=default", "--tvm", "relax").values()
    assert verdict.outcome == WORKS and verdict.metrics is not None
    same = verdict.metrics.cosine
    if same is None:  # of integers
        same = verdict.metrics.outputs[0].equal and verdict.metrics.outputs[0].equal.share
    assert same is not None and same > 0.9


def test_weights_decoded_in_the_graph_are_left_alone(verdicts: Callable[..., Verdicts]) -> None:
    """int4 itself is refused, by the runtime."""
    dtypes = f"{INT8}:pipeline=default,int4:pipeline=default"
    eight, four = verdicts(relax("group_dequantize"), dtypes, "--tvm", "relax").values()
    assert eight.outcome == WORKS
    assert (four.outcome, four.stage) == (REJECTED, "run")
    assert str(four.reason).startswith("a tensor of 4-bit values cannot be allocated")


def test_a_module_that_relax_does_not_make_is_no_verdict(
    trace_quantize: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--tvm", "relax", "--dtype", INT8, "--out", "o")
    assert trace_quantize("--model", relax("qdq_int4"), *words) == 2
    error = capsys.readouterr().err
    assert "Unsupported output datatype" in error and "int4" in error
    assert "relax_nets.py:" in error, "where in the person's own file"
