"""A run that somebody sent starts nothing before the person says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.runs import TINY, copied

from tvmq_diag.commands import cli, reduce
from tvmq_diag.driver import provenance
from tvmq_diag.errors import UsageError
from tvmq_diag.instruments.protocol.jobs import CompileJob, ModelSource
from tvmq_diag.results import store


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TVMQ_DIAG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_was_made_here_needs_no_confirmation(tmp_path: Path) -> None:
    run = store.load(copied(tmp_path / "run"))
    provenance.sign(run.directory)
    provenance.confirm(run, "py:net:f", trusted=False)


def test_the_mark_does_not_travel(tmp_path: Path) -> None:
    copied(tmp_path / "run")
    provenance.sign(tmp_path / "run")
    shutil.copytree(tmp_path / "run", tmp_path / "sent")
    with pytest.raises(UsageError, match=r"would start .*py:net:f.*--trust"):
        provenance.confirm(store.load(tmp_path / "sent"), "py:net:f", trusted=False)
    provenance.confirm(store.load(tmp_path / "sent"), "py:net:f", trusted=True)


def test_another_folder_at_the_same_place_is_not_the_one_made(tmp_path: Path) -> None:
    copied(tmp_path / "run")
    provenance.sign(tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "before")
    copied(tmp_path / "run")
    with pytest.raises(UsageError):
        provenance.confirm(store.load(tmp_path / "run"), "tiny", trusted=False)


def test_reduce_starts_nothing_of_a_run_that_was_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = copied(tmp_path / "run")
    facts = (run / "run.json").read_text()
    started = tmp_path / "started"
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\ntouch {started}\n")
    program.chmod(0o755)
    own = facts.replace('"toolchain": "relay"', '"toolchain": "own"')
    (run / "run.json").write_text(own.replace(store.load(TINY).facts.python or "?", str(program)))
    job = CompileJob(str(run / "traces" / "int4"), "relay", ModelSource("tiny"))
    (run / "traces" / "int4" / "job.json").write_text(json.dumps(job.to_json()))
    assert cli.script(reduce, [str(run / "traces" / "int4")]) == 2
    assert f"would start {program}" in capsys.readouterr().err
    assert not started.exists()


def test_a_baseline_with_a_program_for_a_model(tmp_path: Path) -> None:
    baseline = tmp_path / "q.toml"
    provenance.confirm_baseline(baseline, "torchvision:resnet18", trusted=False)
    with pytest.raises(UsageError, match="would run the model py:net:f"):
        provenance.confirm_baseline(baseline, "py:net:f", trusted=False)
    provenance.sign_baseline(baseline, "py:net:f")
    provenance.confirm_baseline(baseline, "py:net:f", trusted=False)
    with pytest.raises(UsageError):  # the file has changed what it runs
        provenance.confirm_baseline(baseline, "py:other:f", trusted=False)
