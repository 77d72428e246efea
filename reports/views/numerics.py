"""Where the numbers go wrong, as a page shows it: a sentence, the error along the model, tables."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tvmq_diag.measurements.numerics import (
    LARGE_DB,
    Anchor,
    ErrorFigures,
    Numerics,
    QuantizationStep,
)
from tvmq_diag.trace.ops import short

from ..figures import curves
from ..formatting import DASH, clip, number

_WORST = 5

_BY_TVM = (
    "By TVM's own simulation: rounding and clipping in float. What fixed-point arithmetic and"
    " narrow accumulators add shows only in the outputs above."
)
_BY_US = (
    "By the simulation of tvmq_diag's quantizer: rounding and clipping in float. What narrow"
    " accumulators and wrong code add shows only in the outputs above."
)


@dataclass(frozen=True)
class OpErrorRow:
    """An anchor op; errors as SQNR in dB. `bad` counts NaN and Inf that float has not."""

    index: int
    op: str
    span: str
    shape: str
    propagated: str
    alone: str
    at_output: str
    bad: str
    marked: bool


@dataclass(frozen=True)
class ScaleRow:
    """A quantization step; shares of the float model's values there."""

    index: int
    what: str
    scale: str
    clipped: str
    zeroed: str
    largest: str


@dataclass(frozen=True)
class NumericsView:
    """Everything the template shows: a summary, a chart, a row an op, a row a step."""

    summary: str
    simulation: str
    """Whose simulation it is, and what that does not show."""
    chart: str | None
    rows: list[OpErrorRow]
    steps: list[ScaleRow]
    problems: list[str]


def view(numerics: Numerics, key: str) -> NumericsView | None:
    """What is shown of the errors; None where nothing was measured and there was no problem.

    Every id in its chart begins with `key`.
    """
    problems = [clip(problem, 400) for problem in (*numerics.faults, *numerics.problems)]
    if not numerics.anchors:
        return NumericsView("Not measured", "", None, [], [], problems) if problems else None
    first = numerics.first_large()
    return NumericsView(
        _summary(numerics, first),
        _BY_TVM if numerics.by_tvm else _BY_US,
        curves.errors(
            {
                "the whole model quantized": [_drawn(a.propagated) for a in numerics.anchors],
                "only this op quantized": [_drawn(a.alone) for a in numerics.anchors],
            },
            [f"{a.label} {a.span or ''}".strip() for a in numerics.anchors],
            f"{key}-errors",
            "Error of each op's result against float",
            numerics.anchors.index(first) if first is not None else None,
        ),
        [_row(anchor, anchor is first) for anchor in numerics.anchors],
        [_step(step) for step in sorted(numerics.steps, key=_clipping, reverse=True)],
        problems,
    )


def _summary(numerics: Numerics, first: Anchor | None) -> str:
    if first is not None:
        summary = f"The first large error enters at {_called(first)}: {_how(first)}."
    elif (crossing := numerics.crossing()) is not None:
        summary = (
            f"No single op brings in a large error: small ones add up, and from {_called(crossing)}"
            f" on the results are below {LARGE_DB:.0f} dB."
        )
    else:
        summary = f"No op falls below {LARGE_DB:.0f} dB."
    worst = numerics.worst(_WORST)
    if worst:
        named = ", ".join(f"{a.label} ({_db(a.at_output)})" for a in worst)
        summary += f" Quantized alone, these harm the model's output most (its SQNR then): {named}."
    return clip(summary, 600)


def _how(anchor: Anchor) -> str:
    if anchor.alone is not None and anchor.alone.sqnr < LARGE_DB:
        return f"{_db(anchor.alone)} with only its own values quantized"
    if anchor.breaks:
        return "NaN or infinity that the float model has not"
    return f"{_db(anchor.propagated)} with all quantized, and much better in what it reads"


def _called(anchor: Anchor) -> str:
    return f"{anchor.label}{f' ({anchor.span})' if anchor.span else ''}"


def _row(anchor: Anchor, marked: bool) -> OpErrorRow:
    errors = [error for error in (anchor.propagated, anchor.alone) if error is not None]
    nan = max(error.nan for error in errors) - anchor.floats.nan
    inf = max(error.inf for error in errors) - anchor.floats.inf
    bad = ", ".join(f"{n} {what}" for n, what in ((nan, "NaN"), (inf, "Inf")) if n > 0)
    return OpErrorRow(
        anchor.index,
        short(anchor.op),
        clip(anchor.span or "", 80),
        f"[{','.join(map(str, anchor.shape))}]",
        _db(anchor.propagated),
        _db(anchor.alone),
        _db(anchor.at_output),
        bad or "none",
        marked,
    )


def _step(step: QuantizationStep) -> ScaleRow:
    return ScaleRow(
        step.index,
        clip(f"{step.kind} of {', '.join(f'#{i}' for i in step.feeds)}: {step.data}", 100),
        _scale(step),
        _share(step.saturated_alone),
        _share(step.zeroed),
        number(step.largest, 3),
    )


def _scale(step: QuantizationStep) -> str:
    varies = step.least_scale is not None and step.least_scale != step.scale
    return f"{number(step.least_scale, 6) + ' to ' if varies else ''}{number(step.scale, 6)}"


def _clipping(step: QuantizationStep) -> float:
    return step.saturated_alone or 0.0


def _share(share: float | None) -> str:
    return DASH if share is None else f"{share:.2%}"


def _db(error: ErrorFigures | None) -> str:
    if error is None:
        return DASH
    return "exact" if error.sqnr == math.inf else f"{error.sqnr:.1f} dB"


def _drawn(error: ErrorFigures | None) -> float | None:
    return error.sqnr if error is not None else None
