"""A result's numbers next to the float model's, in words and as a table over its outputs."""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.measurements.metrics import Metrics, OutputMetrics

from ..formatting import DASH, number, percent


@dataclass(frozen=True)
class OutputRow:
    """A line of the table over outputs, as people read it."""

    name: str
    cosine: str
    worst: str
    sqnr: str
    factor: str
    left: str
    same: str


def figures(metrics: Metrics) -> list[str]:
    """What there is to say of the numbers, the most telling first."""
    lines = []
    if metrics.labelled and metrics.top1 is not None and metrics.float_top1 is not None:
        lines.append(
            f"top-1 {metrics.top1:.1%}, float {metrics.float_top1:.1%} on {metrics.labelled} labels"
        )
    if metrics.cosine is not None or metrics.equal is None:
        lines.append(f"cosine {number(metrics.cosine, 4)}{_worst(metrics)}")
        lines.append(f"SQNR {number(metrics.sqnr_db, 1)} dB")
    if metrics.equal is not None:
        lines.append(f"{percent(metrics.equal)} of the integers equal")
    if metrics.top1_agree is not None:
        lines.append(f"same top-1 {percent(metrics.top1_agree)}{_decided(metrics)}")
    return lines


def against_float(metrics: Metrics) -> str:
    """All of it on one line of the card."""
    error = metrics.max_abs_error
    more = [] if error is None else [f"largest error {number(error, 4)}"]
    over = f"{metrics.inputs} inputs" if metrics.inputs > 1 else ""
    return " · ".join([*figures(metrics), *more, *([over] if over else [])])


def rows(metrics: Metrics) -> list[OutputRow]:
    """A line for each output; none where there is one, of which the card says it all."""
    if len(metrics.outputs) < 2:
        return []
    return [_row(f"output {i}", output) for i, output in enumerate(metrics.outputs)]


def _row(name: str, output: OutputMetrics) -> OutputRow:
    same = output.agreement if output.equal is None else output.equal
    return OutputRow(
        name,
        number(output.cosine, 4),
        number(output.worst_cosine, 4),
        number(output.sqnr_db, 1),
        number(output.factor, 3),
        number(output.factor_sqnr_db, 1),
        DASH if same is None else percent(same),
    )


def _worst(metrics: Metrics) -> str:
    if metrics.inputs < 2 or metrics.worst_cosine is None:
        return ""
    return f" (worst {number(metrics.worst_cosine, 4)}, input {metrics.worst_input})"


def _decided(metrics: Metrics) -> str:
    """Of the inputs where the float model's answer is clear, which is what a verdict goes by."""
    if metrics.decided_agree is None or metrics.decided_interval is None:
        return ""
    low, high = metrics.decided_interval
    share = percent(metrics.decided_agree)
    return f" ({share} [{low:.0%}, {high:.0%}] of the {metrics.decided} where float is clear)"
