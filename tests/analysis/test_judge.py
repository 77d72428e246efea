"""What is not the configuration's fault is told as such."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tvmq_diag.analysis import judge
from tvmq_diag.configuration import parse
from tvmq_diag.instruments.protocol.schema import SCHEMA
from tvmq_diag.instruments.recording.journal import Journal
from tvmq_diag.results.verdict import CRASHED, NOT_IMPORTED, Verdict
from tvmq_diag.trace import reader
from tvmq_diag.trace.ending import Ending, How
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
    assert judge.is_import(trace)
    verdict = judge.of_import("relay", trace)
    assert (verdict.outcome, verdict.pass_name, verdict.op) == (NOT_IMPORTED, "InferType", None)
    # No table is kept of modules that are still being imported.
    trace.blame = Blame(row=12, index=5, name="qnn.add", within=None, runs=3, ms=1.0, how="replay")
    verdict = judge.of_import("relay", trace)
    assert verdict.headline == "the model is not imported in InferType at qnn.add (op #5): no"
