"""What a run starts at once, beside its first compile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tvmq_diag.configuration import parse_list
from tvmq_diag.driver import session
from tvmq_diag.driver.plan import Observer, Plan
from tvmq_diag.driver.trials import Trials
from tvmq_diag.instruments.protocol.jobs import ModelSource
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Run
from tvmq_diag.toolchains.limits import Limits
from tvmq_diag.toolchains.toolchain import Toolchain

INT8 = "int8/int8/int32"
FLOAT = "float32 (the model as it is)"
SEARCH = f"looking for the fewest bits that stay right, from {INT8}"


def begun(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    trials = Trials(plan, Run(Path("run"), RunFacts()), Observer(), Path("scratch"))
    begun: list[str] = []

    def ahead(what: str, *rest: Any, **options: Any) -> None:
        begun.append(what)

    monkeypatch.setattr(trials.processes, "ahead", ahead)
    session._ahead(trials, session._queue(plan))
    trials.processes.close()
    return begun


def test_the_search_goes_before_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = Toolchain("relay", Path("python"), "relay")
    plan = Plan(ModelSource("tiny"), parse_list("int4,int2"), chain, Limits(1.0, 1))
    assert begun(plan, monkeypatch) == ["int2", FLOAT, SEARCH, INT8]
    assert begun(replace(plan, search=0.0), monkeypatch) == ["int2", FLOAT, INT8]
    assert begun(replace(plan, reference=False), monkeypatch) == ["int2"]
    bytes_only = replace(plan, configurations=parse_list("int8,int16"))
    assert begun(bytes_only, monkeypatch) == ["int16", FLOAT, INT8], "a search is not sure"
