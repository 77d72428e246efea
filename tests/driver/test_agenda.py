"""What a run says is still to come."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tvmq_diag.configuration import parse_list
from tvmq_diag.driver import agenda
from tvmq_diag.driver.plan import Plan
from tvmq_diag.instruments.protocol.jobs import ModelSource
from tvmq_diag.results import verdict
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.verdict import Verdict
from tvmq_diag.toolchains.limits import Limits
from tvmq_diag.toolchains.toolchain import Toolchain

UNMENDED = ["each field by itself", "quantize() at another opt_level", "fixes of TVM's quantizer"]


@pytest.fixture
def plan() -> Plan:
    chain = Toolchain("relay", Path("python"), "relay")
    return Plan(ModelSource("tiny"), parse_list("int4,int8"), chain, Limits(1.0, 1))


def ahead(plan: Plan, outcome: str) -> list[str]:
    """What is still to come once int4 has that outcome."""
    run = Run(Path("run"), RunFacts(), [Result(Verdict("int4", "relay", outcome), Role.REQUESTED)])
    queue = [(configuration, Role.REQUESTED) for configuration in plan.configurations]
    return [step.what for step in agenda.steps(plan, queue)[1:] if step.needed(run)]


def test_what_works_leaves_little_to_ask(plan: Plan) -> None:
    assert ahead(plan, verdict.WORKS) == ["int8", "float32 (the model as it is)", "benchmark"]


def test_what_is_rejected_leaves_more(plan: Plan) -> None:
    what = ahead(plan, verdict.REJECTED)
    instead = ["the fewest bits that stay right", "what works instead", "benchmark"]
    assert what[2:5] == instead and what[-3:] == UNMENDED
    assert "where wrong numbers begin" not in what


def test_what_is_wrong_is_looked_into(plan: Plan) -> None:
    what = ahead(plan, verdict.WRONG)
    assert {"calibrating on data", "where wrong numbers begin"} < set(what)


def test_without_a_reference_only_what_was_asked_for(plan: Plan) -> None:
    assert ahead(replace(plan, reference=False), verdict.REJECTED) == ["int8"]


def test_only_the_benchmark_measures_times(plan: Plan) -> None:
    assert [step.what for step in agenda.steps(plan, []) if step.timed] == ["benchmark"]


def test_what_is_tuned_is_profiled_before_and_timed_behind(plan: Plan) -> None:
    what = ahead(replace(plan, tune=60.0), verdict.WORKS)
    timings = ["profile of the kernels", "tuning", "models with tuned schedules", "benchmark"]
    # Whether there is anything to tune shows when something has run.
    assert [step for step in what if step in timings] == ["profile of the kernels", "benchmark"]
    steps = [step.what for step in agenda.steps(replace(plan, tune=60.0), [])]
    assert [step for step in steps if step in timings] == timings


def test_somebodys_records_are_applied_before_the_benchmark(plan: Plan) -> None:
    steps = [step.what for step in agenda.steps(replace(plan, tuning_records=Path("a.log")), [])]
    assert "tuning" not in steps and "profile of the kernels" not in steps
    assert steps.index("models with tuned schedules") + 1 == steps.index("benchmark")


def test_the_search_can_be_left_out(plan: Plan) -> None:
    assert "the fewest bits that stay right" not in ahead(
        replace(plan, search=0.0), verdict.REJECTED
    )
