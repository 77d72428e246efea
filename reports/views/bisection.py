"""Which pass and which op a wrong result comes from, as a page shows it: a sentence and tables."""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.measurements.bisection import (
    BUILD,
    LIMIT,
    Bisection,
    BisectionStep,
    Experiment,
    Kernel,
)
from tvmq_diag.measurements.numerics import ErrorFigures
from tvmq_diag.trace.ops import short

from ..formatting import DASH, clip, number, percent


@dataclass(frozen=True)
class ExperimentRow:
    """The model after a step, or its first ops: how near the outputs are to the right ones.

    `fate` says whether they are right; `marked` is the first step that is wrong.
    """

    name: str
    where: str
    mark: str
    fate: str
    cosine: str
    sqnr: str
    same: str
    bad: str
    marked: bool


@dataclass(frozen=True)
class BisectionView:
    """Everything the template shows: a summary, the steps, and the experiments on ops."""

    summary: str
    about: str
    steps: list[ExperimentRow]
    tried: list[ExperimentRow]
    how: str
    bounds: str
    notes: list[str]


def view(bisection: Bisection) -> BisectionView | None:
    """What is shown of a bisection; None where nothing was looked at and there is no note."""
    notes = [clip(note, 400) for note in (*bisection.unknown, *bisection.problems)]
    if not bisection.steps and not notes:
        return None
    summary = clip(bisection.answer, 600)
    return BisectionView(
        f"{summary[:1].upper()}{summary[1:]}.",
        _about(bisection),
        [_step(step, bisection) for step in bisection.steps],
        [*map(_tried, bisection.experiments), *_without_kernels(bisection)],
        clip(bisection.op.how, 300) if bisection.op is not None else "",
        _bounds(bisection),
        notes,
    )


def _about(bisection: Bisection) -> str:
    if bisection.culprit is None:
        return ""
    if bisection.exact:
        return "Confirmed: one step less is right, and run anew it is wrong again."
    return "Not confirmed: it was not so each time, or what comes between cannot be run."


def _bounds(bisection: Bisection) -> str:
    facts = bisection.facts
    bound, decibel = (
        "?" if value is None else clip(value, 10) for value in (facts.bound, facts.bound_db)
    )
    same = ""
    if facts.agreement is not None:
        same = f", of scores and integers a share of at least {clip(facts.agreement, 10)} the same"
    plain = clip(facts.plain or "?", 120)
    return (
        f"Each pass's module is built plainly ({plain}, nothing optimised). Right is a cosine to"
        f" float of at least {bound}{same}; for the first ops through a pass, an SQNR of at least"
        f" {decibel} dB to the same ops without it.{_places(bisection)} What QuantizeAnnotate"
        " leaves has no scales yet: there each quantization step passes its values on as they are."
    )


def _places(bisection: Bisection) -> str:
    bound = bisection.facts.places
    if bound is None or not bisection.saw_places:
        return ""
    return (
        f" Before the last pooling right is a spatial cosine of at least {clip(bound, 10)} to the"
        " simulation."
    )


def _step(step: BisectionStep, bisection: Bisection) -> ExperimentRow:
    if step.of == BUILD:
        name = "all of the build"
    elif step.of == LIMIT:
        last = f", to {clip(step.name, 80)}" if step.index else ""
        name = f"the build with {step.index} of the passes it may leave out{last}"
    else:
        name = clip(step.name, 80)
    return _row(name, clip(step.stage, 20), step, step is bisection.first_wrong)


def _tried(tried: Experiment) -> ExperimentRow:
    span = f", {clip(tried.span, 80)}" if tried.span else ""
    return _row(clip(tried.what, 120), f"{clip(short(tried.op), 60)}{span}", tried, False)


def _without_kernels(bisection: Bisection) -> list[ExperimentRow]:
    kernel, op = bisection.kernel, bisection.op
    if kernel is None or op is None:
        return []
    where = f"{clip(short(op.name), 60)}, {clip(kernel.implementation or 'kernel unknown', 80)}"
    return [_row("what the build's passes left, with plain kernels", where, kernel, False)]


def _row(
    name: str, where: str, one: BisectionStep | Experiment | Kernel, marked: bool
) -> ExperimentRow:
    mark, fate = _fate(one)
    error = one.error
    cosine, sqnr = (number(error.cosine, 4), _db(error)) if error is not None else (DASH, DASH)
    same = DASH if error is None or error.same is None else percent(error.same)
    bad = DASH if error is None else f"{error.nan} NaN, {error.inf} Inf"
    if error is not None and not error.nan + error.inf:
        bad = "none"
    return ExperimentRow(name, where, mark, fate, cosine, sqnr, same, bad, marked)


def _fate(one: BisectionStep | Experiment | Kernel) -> tuple[str, str]:
    if one.right is None:
        return "?", f"cannot be run: {clip(one.why or 'unknown', 160)}"
    if one.repeats is False:
        return "✗", "another answer each time"
    places = one.error.places if one.error is not None else None
    pooled = "" if places is None else f", spatial cosine {number(places, 3)}"
    return ("✓", f"right{pooled}") if one.right else ("✗", f"wrong{pooled}")


def _db(error: ErrorFigures) -> str:
    if error.sqnr_db is not None:
        return f"{error.sqnr_db:.1f} dB"
    return "exact" if error.max_abs_error == 0 else DASH
