"""A wrong result is calibrated on data, and it is told what came of it."""

from __future__ import annotations

import pytest
from support.paths import ROOT

from tvmq_diag.configuration import over_data, parse
from tvmq_diag.driver import calibrating
from tvmq_diag.driver.plan import Observer, Plan
from tvmq_diag.driver.trials import Trials
from tvmq_diag.instruments.protocol.jobs import ModelSource
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Role, Run
from tvmq_diag.results.verdict import NOT_TRIED, REJECTED, WORKS, WRONG, Verdict
from tvmq_diag.toolchains.limits import Limits
from tvmq_diag.toolchains.toolchain import Toolchain

INT8 = "int8/int8/int32"
TWO_BITS = f"{INT8}:nbit=2"
LAST = f"{INT8}:nbit=3"
NET = f"py:{ROOT / 'tests' / 'support' / 'cases' / 'relay_nets.py'}:add_wide"


@pytest.fixture(scope="module")
def calibrated(relay: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """What became of a net whose two branches have ranges far apart, by configuration: calibrated
    on data, and one of them when the time for that is up."""
    folder = tmp_path_factory.mktemp("run")
    asked = [parse(text) for text in (INT8, TWO_BITS, LAST)]
    plan = Plan(ModelSource(NET), asked, relay, Limits(300, 8 << 30), quantize_opt_level=3)
    run = Run(folder, RunFacts())
    trials = Trials(plan, run, Observer(), tmp_path_factory.mktemp("scratch"))
    for configuration in asked[:2]:
        trials.attempt(configuration, Role.REQUESTED)
    calibrating.on_data(trials)
    trials.attempt(asked[2], Role.REQUESTED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrating, "SECONDS", -1.0)
        calibrating.on_data(trials)
    return {result.verdict.configuration: result.verdict for result in run.results}


def test_what_calibrating_mends_is_suggested(calibrated: dict[str, Verdict]) -> None:
    verdict = calibrated[INT8]
    works = calibrated[f"{INT8}:calibrate_mode=percentile"]
    assert (verdict.outcome, works.outcome) == (WRONG, WORKS)
    (tried,) = verdict.calibrations
    assert (tried.mode, tried.outcome) == ("percentile", WORKS)
    assert works.metrics is not None and tried.cosine == works.metrics.cosine
    assert str(verdict.suggestion).startswith(
        f"--dtype {works.configuration} --calibrate-on natural:16: it works here, cosine 0.99"
    )


def test_what_it_does_not_mend_is_told_with_its_figures(calibrated: dict[str, Verdict]) -> None:
    percentile, kl = calibrated[TWO_BITS].calibrations
    assert percentile.outcome == WRONG and percentile.cosine is not None
    assert percentile.sentence.startswith(
        "calibrate_mode=percentile --calibrate-on natural:16: wrong, cosine "
    )
    assert kl.outcome == REJECTED and "QuantizeCalibrate" in kl.sentence
    assert calibrated[TWO_BITS].instead is None


def test_there_is_an_end_to_trying(calibrated: dict[str, Verdict]) -> None:
    assert {run.outcome for run in calibrated[LAST].calibrations} == {NOT_TRIED}
    assert "is up" in calibrated[LAST].calibrations[0].sentence


def test_each_dialect_has_its_own_modes_and_what_was_chosen_stays() -> None:
    assert [one.text for one in over_data(parse(INT8), "relay")] == [
        f"{INT8}:calibrate_mode=percentile",
        f"{INT8}:calibrate_mode=kl_divergence",
    ]
    relax = over_data(parse(f"{INT8}:nbit=4:pipeline=target"), "relax")
    assert [one.fields["calibrate_mode"] for one in relax] == ["percentile", "kl"]
    fixed = over_data(parse(f"{INT8}:calibrate_mode=global_scale"), "relax")
    assert [one.fields["calibrate_mode"] for one in fixed] == ["percentile", "kl", "minmax"]
    assert over_data(parse(f"{INT8}:calibrate_mode=percentile"), "relay") == []
    assert over_data(parse("as-is"), "relay") == []
