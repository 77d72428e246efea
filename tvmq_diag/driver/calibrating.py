"""A result that is wrong, calibrated on data instead: does that mend it?"""

from __future__ import annotations

import time
from dataclasses import replace

from ..configuration import over_data
from ..errors import UsageError
from ..instruments.protocol.jobs import SECONDS, DataSource
from ..results.run import Result
from ..results.verdict import (
    NOT_TRIED,
    REJECTED,
    WORKS,
    WRONG,
    CalibrationRun,
    Verdict,
)
from .follow_ups import suggest
from .plan import Plan
from .trials import Trials

SAMPLES = 16
"""Batches to calibrate on where nobody says: TVM keeps what every step reads of all of them."""

_DRAWN = ("natural", "random")
"""Data that is drawn, other to calibrate on than to judge on (instruments/inputs/synthetic)."""


def on_data(trials: Trials) -> None:
    """Of each configuration that was asked for and is wrong: what calibrating comes to, one mode
    after the other until one works, for as long as experiments may go on. Raises as Trials does."""
    end = time.monotonic() + SECONDS
    for result in trials.run.here:
        if _may_help(result.verdict) and not result.verdict.calibrations:
            _calibrate(trials, result, end)
            trials.save()


def _may_help(verdict: Verdict) -> bool:
    """Is it wrong, and not by what no range of activations mends: sums that overflow, a sign that
    takes the only bit, numbers that differ from run to run?"""
    wrong = verdict.outcome == WRONG and verdict.metrics is not None
    return wrong and verdict.knob is None and verdict.deterministic is not False


def _calibrate(trials: Trials, result: Result, end: float) -> None:
    verdict = result.verdict
    requested = trials.configuration(verdict.configuration)
    assert verdict.metrics is not None
    data = to_calibrate(trials.plan, verdict.metrics.inputs)
    given = option(data)
    for configuration in over_data(requested, trials.plan.toolchain.dialect):
        mode = str(configuration.fields["calibrate_mode"])
        untried = _untried(trials, mode, end)
        if untried is not None:
            verdict.calibrations.append(CalibrationRun(mode, given, NOT_TRIED, untried))
            continue
        try:
            tried = trials.verdict_on(configuration, data)
        except UsageError as error:  # what the model is judged on does not do to calibrate on
            verdict.calibrations.append(CalibrationRun(mode, given, NOT_TRIED, str(error)))
            return
        verdict.calibrations.append(_run(mode, given, tried))
        if tried.outcome == WORKS:
            suggest(trials, verdict, tried, given)
            return


def _run(mode: str, words: str, verdict: Verdict) -> CalibrationRun:
    metrics = verdict.metrics
    cosine = metrics.cosine if metrics is not None else None
    worst = metrics.worst_cosine if metrics is not None and metrics.inputs > 1 else None
    return CalibrationRun(mode, words, verdict.outcome, verdict.cause or None, cosine, worst)


def _untried(trials: Trials, mode: str, end: float) -> str | None:
    """Why a mode is not tried; None if it is."""
    if time.monotonic() > end:
        return f"the time for it ({SECONDS:.0f} s) is up"
    for other in trials.run.results:
        rejected = other.verdict.outcome == REJECTED and other.verdict.stage == "calibrate"
        if rejected and f"calibrate_mode={mode}" in other.verdict.configuration.split(":"):
            return f"{other.verdict.configuration} was rejected: {other.verdict.cause}"
    return None


def to_calibrate(plan: Plan, inputs: int = SAMPLES) -> DataSource:
    """What to calibrate on: what the person gives to, or else some of what results are judged on,
    of which there are so many inputs."""
    if plan.dataset is not None:
        return plan.dataset
    count = min(SAMPLES, inputs)
    kind = plan.check.source.partition(":")[0]
    if kind in _DRAWN:
        return DataSource(f"{kind}:{count}")
    return replace(plan.check, samples=count)


def option(data: DataSource) -> str:
    """The words of the command line that calibrate on it."""
    samples = f" --samples {data.samples}" if data.samples is not None else ""
    return f" --calibrate-on {data.source}{samples}"
