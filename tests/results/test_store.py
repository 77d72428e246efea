"""A run on disk, read again; and a failure that is on record, looked into once more."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tvmq_diag.commands import cli
from tvmq_diag.commands import reduce as reduce_command
from tvmq_diag.commands import report as report_command
from tvmq_diag.errors import UsageError
from tvmq_diag.results import store
from tvmq_diag.trace import layout

Command = Callable[..., int]


@pytest.fixture
def a_run(trace_quantize: Command, tmp_path: Path) -> Path:
    """The tiny model at int4, rejected."""
    trace_quantize("--model", "tiny", "--dtype", "int4", "--no-reference", "--out", "o")
    return tmp_path / "o"


def test_going_on_tries_nothing_twice_and_keeps_what_was_found(
    a_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts = (a_run / layout.VERDICTS).read_text()
    experiments = (a_run / "traces" / "int4" / "experiments.jsonl").read_text()
    before = store.load(a_run).results[0].trace
    (a_run / "index.html").unlink()
    assert cli.script(reduce_command, [str(a_run / "traces" / "int4"), "--seconds", "60"]) == 0
    found = store.load(a_run).results[0]
    assert (a_run / layout.VERDICTS).read_text() == verdicts
    assert before is not None and before.map is not None and before.smallest is not None
    assert found.trace is not None and found.trace.map is not None
    assert found.trace.investigated and found.trace.map.rejected == before.map.rejected
    # All was known already: only what makes no module on its own is tried again.
    assert (a_run / "traces" / "int4" / "experiments.jsonl").read_text() == experiments
    assert found.trace.map.queries <= len(before.map.unjudged)
    assert found.trace.smallest is not None
    assert found.trace.smallest.calls == before.smallest.calls
    assert "int4 rejected by QuantizeRealize" in capsys.readouterr().out
    assert (a_run / "index.html").exists()


def test_the_page_of_a_run_can_be_written_again(a_run: Path) -> None:
    page = (a_run / "index.html").read_text()
    (a_run / "index.html").unlink()
    assert cli.script(report_command, [str(a_run)]) == 0
    assert (a_run / "index.html").read_text() == page


def test_what_cannot_be_reduced_is_said_in_one_line(
    trace_quantize: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace_quantize(
        "--model", "tiny", "--dtype", "int8/int8/int32", "--no-reference", "--out", "o"
    )  # fmt: skip
    capsys.readouterr()
    traces = tmp_path / "o" / "traces"
    for folder, said in [
        (traces / "int8_int8_int32", "no pass that failed"),
        (traces / "int4", "is no trace of the run"),
        (tmp_path / "nothing" / "traces" / "int4", "no run in"),
    ]:
        assert cli.script(reduce_command, [str(folder)]) == 2
        assert said in capsys.readouterr().err


def test_a_run_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / layout.FACTS).write_text("{}")
    (tmp_path / layout.VERDICTS).write_text(json.dumps([{"role": "asked"}]))
    with pytest.raises(UsageError, match="no run in"):
        store.load(tmp_path)
