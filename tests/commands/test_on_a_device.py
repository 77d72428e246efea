"""--target with --rpc: verdicts by what the device computes, and its times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.devices import device as device

from tvmq_diag.results import store
from tvmq_diag.results.run import Role
from tvmq_diag.results.verdict import CRASHED, REJECTED, WORKS

Command = Callable[..., int]

TARGET = "llvm -mtriple=x86_64-linux-gnu -mcpu=x86-64-v2"
COMMON = ["--model", "tiny", "--target", TARGET, "--rounds", "5", "--out", "run"]


def test_it_is_judged_and_timed_there(
    trace_quantize: Command, device: list[str], tmp_path: Path
) -> None:
    assert trace_quantize(*COMMON, *device, "--dtype", "int8/int8/int32,int4") == 1
    run = store.load(tmp_path / "run")
    works, *rest = run.with_role(Role.REQUESTED)
    assert works.verdict.outcome == WORKS
    assert rest[-1].verdict.outcome in (REJECTED, CRASHED)
    assert works.trace is not None and works.trace.outputs is not None
    assert works.trace.facts.target == TARGET
    assert works.verdict.metrics is not None and works.verdict.ratio is not None
    # What this machine's processor has is no advice for the device's.
    assert works.trace.facts.target_features and not works.trace.facts.host_features
    assert "no fast int8 path" not in [hazard.name for hazard in works.verdict.hazards]
    assert not list((tmp_path / "run" / "traces").glob("*-host"))
    assert run.facts.device is not None and run.facts.device.startswith("loop at 127.0.0.1:")
    assert "loop at 127.0.0.1" in (tmp_path / "run" / "index.html").read_text()
    assert run.benchmark is not None and run.benchmark.facts.rpc is not None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rpc", "localhost:9190"], "go together"),
        (["--rpc", "localhost:9190", "--rpc-key", "k"], "with one --target"),
        (["--rpc", "h:1", "--rpc-key", "k", "--target", "pi5;k230"], "with one --target"),
        (["--rpc", "h:1", "--rpc-key", "k", "--target", "host"], "with one --target"),
        (["--mcpu", "none", "--target", "pi5"], "--mcpu is for this machine"),
        (["--target", ""], "names no target"),
        (["--rpc", "h:1", "--rpc-key", "k", "--target", "pi5", "--tune", "5"], "--tune"),
    ],
)
def test_what_does_not_go_together_is_said(
    trace_quantize: Command, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert trace_quantize("--model", "tiny", "--dtype", "int4", *arguments) == 2
    assert said in capsys.readouterr().err


def test_a_tracker_that_is_not_there_is_no_verdict_on_the_model(
    trace_quantize: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = ["--rpc", "127.0.0.1:9", "--rpc-key", "loop", "--dtype", "int8/int8/int32"]
    assert trace_quantize(*COMMON, *gone) == 2
    assert "no device loop at 127.0.0.1:9: " in capsys.readouterr().err
