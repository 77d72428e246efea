"""What is not the configuration's fault is told as such."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tvmq_diag.analysis import arrived, judge
from tvmq_diag.analysis.accuracy import Bounds
from tvmq_diag.configuration import parse
from tvmq_diag.instruments.protocol.schema import SCHEMA
from tvmq_diag.instruments.recording.journal import Journal
from tvmq_diag.measurements.metrics import Metrics
from tvmq_diag.results.verdict import (
    CRASHED,
    NOT_IMPORTED,
    NOT_JUDGED,
    NOT_QUANTIZED,
    WORKS,
    WRONG,
    Verdict,
)
from tvmq_diag.trace import reader
from tvmq_diag.trace.ending import Ending, How
from tvmq_diag.trace.facts import Island
from tvmq_diag.trace.failure import Blame
from tvmq_diag.trace.trace import Trace

KILLED = Ending(How.SIGNAL, -9, 60.0, 18 << 30, "")
RAISED = Ending(How.FINISHED, 1, 1.0, 0, "")
INT4 = parse("int4")


def recorded(folder: Path, stage: str, pass_name: str | None = None, **error: Any) -> Trace:
    """A compile that ended in a stage, in a pass if it is named, by an error if there is one."""
    folder.mkdir()
    journal = Journal(folder)
    journal.event("start", schema=SCHEMA, time="2026-01-01", dialect="relay", versions={})
    journal.event("stage", name=stage)
    if pass_name is not None:
        journal.event("enter", id=1, parent=None, name=pass_name, stage=stage, snapshot=None)
    if error:
        passes = [1] if pass_name is not None else []
        journal.event("error", passes=passes, stage=stage, diagnostics=[], python=None, **error)
    journal.close()
    return reader.load(folder)


def failed(trace: Trace, ending: Ending) -> Verdict:
    return judge.of_failure(INT4, "relay", trace, ending)


def test_before_a_configuration_is_read_none_is_blamed(tmp_path: Path) -> None:
    verdict = failed(recorded(tmp_path / "a", "prepare", "FoldConstant"), KILLED)
    assert verdict.outcome == CRASHED and verdict.is_general
    assert verdict.message == "the process was ended by SIGKILL; it had taken 18.0 GiB of memory"
    assert verdict.suggestion is None and verdict.knob is None
    assert verdict.reason is not None and "read no configuration" in verdict.reason


@pytest.mark.parametrize(("stage", "name"), [("realize", "QuantizeRealize"), ("prepare", None)])
def test_afterwards_and_outside_any_pass_it_may_be_to_blame(
    tmp_path: Path, stage: str, name: str | None
) -> None:
    verdict = failed(recorded(tmp_path / "a", stage, name), KILLED)
    assert not verdict.is_general and verdict.suggestion is not None


@pytest.mark.parametrize(
    ("stage", "message", "unquantized", "likewise"),
    [
        ("codegen", "no llvm.exp", ("codegen", "no llvm.exp"), True),
        ("codegen", "no llvm.exp", ("codegen", "no llvm.log"), False),
        ("codegen", "no llvm.exp", ("lower", "no llvm.exp"), False),
        ("realize", "no int4", ("realize", "no int4"), False),  # no stage of the float model
        ("codegen", None, ("codegen", None), True),  # both died
        ("codegen", None, ("codegen", "no llvm.exp"), False),
    ],
)
def test_the_float_model_fails_likewise_in_the_same_stage_and_way(
    tmp_path: Path,
    stage: str,
    message: str | None,
    unquantized: tuple[str, str | None],
    likewise: bool,
) -> None:
    def ended(name: str, where: str, text: str | None) -> tuple[Trace, Ending]:
        error = {} if text is None else {"error": "TVMError", "message": f"TVMError: {text}"}
        return recorded(tmp_path / name, where, **error), KILLED if text is None else RAISED

    ours, ending = ended("int4", stage, message)
    theirs, their_ending = ended("float32", *unquantized)
    verdict = failed(ours, ending)
    assert judge.fails_likewise(verdict, ours, theirs, their_ending) is likewise
    if likewise:
        judge.blame_float(verdict, parse("int4"))
        assert verdict.is_general and verdict.suggestion is None
        assert verdict.reason is not None
        assert verdict.reason.startswith("the float model fails likewise")


def test_a_module_that_an_importer_makes_ill_typed_names_its_op(tmp_path: Path) -> None:
    trace = recorded(tmp_path / "a", "import", "InferType", error="ImportRejected", message="no")
    assert judge.is_import(trace, RAISED)
    verdict = judge.of_import("relay", trace, RAISED)
    assert (verdict.outcome, verdict.pass_name, verdict.op) == (NOT_IMPORTED, "InferType", None)
    # No table is kept of modules that are still being imported.
    trace.blame = Blame(row=12, index=5, name="qnn.add", within=None, runs=3, ms=1.0, how="replay")
    verdict = judge.of_import("relay", trace, RAISED)
    assert verdict.headline == "the model is not imported in InferType at qnn.add (op #5): no"


def test_a_process_that_dies_in_the_importer_is_of_no_configuration(tmp_path: Path) -> None:
    trace = recorded(tmp_path / "a", "import")
    for how in (How.SIGNAL, How.TIMED_OUT, How.OUT_OF_MEMORY):
        ending = Ending(how, -11, 60.0, 4 << 30, "")
        assert judge.is_import(trace, ending)
        verdict = judge.of_import("relay", trace, ending)
        assert (verdict.outcome, verdict.stage) == (NOT_IMPORTED, "import")
        assert verdict.message is not None and verdict.message.endswith("importer or parser")
        assert verdict.suggestion is None and verdict.knob is None
    assert not judge.is_import(trace, Ending(How.INTERRUPTED, -9, 1.0, 0, ""))
    assert not judge.is_import(recorded(tmp_path / "b", "realize"), KILLED)


def as_it_is(tmp_path: Path, **facts: Any) -> Trace:
    trace = recorded(tmp_path / "arrived", "run")
    for name, value in facts.items():
        setattr(trace.facts, name, value)
    return trace


def metrics_of(cosine: float) -> Metrics:
    return Metrics(cosine, 3.0, 0.5, None)


def test_a_model_as_it_is_is_compared_with_what_is_named(tmp_path: Path) -> None:
    trace = as_it_is(tmp_path, quantized_ops=3, islands=[Island("nn.lrn", 2)])
    as_is = parse("as-is")

    def verdict(metrics: Metrics | None, other: str = "ONNX Runtime") -> Verdict:
        return arrived.of_as_is(as_is, "relay", trace, metrics, Bounds(), other)

    right, wrong = verdict(metrics_of(0.99)), verdict(metrics_of(0.5))
    unknown = verdict(None, "no runtime")
    assert (right.outcome, right.against) == (WORKS, "ONNX Runtime")
    assert right.reason == "compared with ONNX Runtime, not with a float model"
    assert wrong.outcome == WRONG and wrong.message is not None
    assert "to ONNX Runtime" in wrong.message and "float" not in wrong.message
    assert (unknown.outcome, unknown.against) == (NOT_JUDGED, None)
    assert unknown.message is not None and unknown.message.endswith("with nothing: no runtime")
    arrived.offer_fold(right, trace)
    assert right.suggestion is not None and right.suggestion.startswith("--dtype as-is:fq2i: not")


def test_a_float_model_as_it_is_is_not_quantized(tmp_path: Path) -> None:
    trace = as_it_is(tmp_path, quantized_ops=0)
    verdict = arrived.of_as_is(parse("as-is"), "relay", trace, metrics_of(1.0), Bounds(), "others")
    assert verdict.outcome == NOT_QUANTIZED and verdict.metrics is not None
    arrived.offer_fold(verdict, trace)
    assert (
        verdict.suggestion == "--dtype int8/int8/int32: not tried; TVM takes it for a float model"
    )


def test_a_failure_of_a_model_as_it_is_is_for_no_field(tmp_path: Path) -> None:
    verdict = judge.of_failure(
        parse("as-is"), "relay", recorded(tmp_path / "a", "codegen", error="E", message="m"), RAISED
    )
    assert verdict.knob is None and verdict.suggestion is None
    judge.blame_float(verdict, parse("as-is:fq2i"))
    assert verdict.reason == (
        "the model as it is fails likewise: it is not for FakeQuantizationToInteger"
    )
