"""Ctrl-C behind a verdict: what is known by then is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

import pytest

from tvmq_diag.configuration import parse
from tvmq_diag.driver import investigation
from tvmq_diag.driver.plan import Observer, Plan
from tvmq_diag.driver.trials import Stopped, Trials
from tvmq_diag.instruments.protocol.jobs import ModelSource
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Role, Run
from tvmq_diag.results.verdict import REJECTED
from tvmq_diag.toolchains.limits import Limits
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace.layout import VERDICTS


def test_the_verdict_is_on_disk_where_its_reproducer_was_not_confirmed(
    relay: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(investigation, "reproduce", interrupted)
    requested = parse("int4")
    plan = Plan(ModelSource("tiny"), [requested], relay, Limits(300, 8 << 30))
    trials = Trials(plan, Run(tmp_path, RunFacts()), Observer(), tmp_path / "scratch")
    with pytest.raises(Stopped):
        trials.attempt(requested, Role.REQUESTED)
    (record,) = json.loads((tmp_path / VERDICTS).read_text())
    assert (record["outcome"], record["knob"]) == (REJECTED, "dtype_activation")
