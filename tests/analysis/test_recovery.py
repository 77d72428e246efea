"""A run whose tool was killed still says what its traces say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.runs import copied

import tvmq_diag
from tvmq_diag.analysis import recovery
from tvmq_diag.commands import cli, report


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """As the tool leaves it that is killed before it has judged anything."""
    run = copied(tmp_path / "run")
    facts = json.loads((run / "run.json").read_text())
    facts["attempted"] = {"int8/int8/int32": "asked", "int4": "asked", "int2": "asked"}
    (run / "run.json").write_text(json.dumps(facts))
    (run / "verdict.json").write_text("[]")
    return run


def test_a_rejection_on_record_is_the_verdict(killed: Path) -> None:
    whole = {r.verdict.configuration: r.verdict for r in recovery.load(killed).results}
    assert whole["int4"].outcome == "rejected" and whole["int4"].pass_name == "QuantizeRealize"
    assert whole["int4"].op is not None
    assert whole["int8/int8/int32"].outcome == "interrupted"
    assert whole["int8/int8/int32"].message == recovery.RAN


def test_what_left_no_trace_is_a_problem_and_no_verdict(killed: Path) -> None:
    run = recovery.load(killed)
    assert "int2" not in {result.verdict.configuration for result in run.results}
    assert any("'int2'" in problem for problem in run.problems)


def test_the_page_and_the_front_door_say_so(
    killed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.script(report, [str(killed)]) == 0
    assert "int4 rejected by QuantizeRealize" in capsys.readouterr().out
    assert "Nothing was tried" not in (killed / "index.html").read_text(encoding="utf-8")
    assert tvmq_diag.load(killed)["int4"].verdict.outcome == "rejected"


def test_what_run_json_says_of_it_may_be_damaged(killed: Path) -> None:
    facts = json.loads((killed / "run.json").read_text())
    facts["attempted"] = {"no dtype": "asked", "int4": "no role"}
    (killed / "run.json").write_text(json.dumps(facts))
    assert len(recovery.load(killed).problems) >= 2
