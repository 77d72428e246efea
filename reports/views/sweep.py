"""All configurations of a run at a glance: a table, and time against error as a chart."""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.analysis import units
from tvmq_diag.analysis.accuracy import percent
from tvmq_diag.measurements.benchmark import EAGER, FLOAT, Benchmark
from tvmq_diag.measurements.metrics import Metrics
from tvmq_diag.measurements.paired import Ratio
from tvmq_diag.results.run import Role, Run

from ..figures import curves
from ..formatting import DASH, TIMES, number
from .accuracy import top1
from .section import Section


@dataclass(frozen=True)
class SweepRow:
    """A line of the table over all configurations."""

    section: Section
    cosine: str
    worst: str
    sqnr: str
    same: str
    top1: str
    weights: str
    kept: str
    """The file of the compiled model's weights and other constants."""
    latency: str
    to_float: str
    to_torch: str


def rows(run: Run, sections: list[Section]) -> list[SweepRow]:
    """A line for each section, in their order."""
    measured = run.benchmark or Benchmark()
    lines = []
    for section in sections:
        latency = section.verdict.latency_ms
        side = FLOAT if section.result.role == Role.FLOAT else section.verdict.configuration
        lines.append(
            SweepRow(
                section,
                *_figures(section.verdict.metrics),
                DASH if (share := top1(run, section.result)) is None else percent(share),
                section.coverage.weights if section.coverage is not None else DASH,
                _kept(section),
                f"{latency.min:.2f} / {latency.median:.2f}" if latency else DASH,
                _times(measured.ratio(side)) if side != FLOAT else DASH,
                _times(measured.ratio(side, EAGER)),
            )
        )
    return lines


def _kept(section: Section) -> str:
    trace = section.result.trace
    size = trace.facts.weight_bytes if trace is not None else None
    return "" if size is None else f"{units.size(size)} kept"


def _figures(metrics: Metrics | None) -> tuple[str, str, str, str]:
    """Cosine, that of the worst input, SQNR, and what is the same as in float."""
    if metrics is None:
        return DASH, "", DASH, DASH
    worst = metrics.worst_cosine if metrics.inputs > 1 else None
    same = metrics.agreement.share if metrics.agreement is not None else metrics.top1_agree
    return (
        number(metrics.cosine, 3),
        "" if worst is None else f"worst {number(worst, 3)}",
        number(metrics.sqnr_db, 1),
        DASH if same is None else percent(same),
    )


def _times(ratio: Ratio | None) -> str:
    if ratio is None:
        return DASH
    return f"{ratio.value:.2f}{TIMES} [{ratio.low:.2f}, {ratio.high:.2f}]"


def pareto(run: Run) -> str | None:
    """Time against error of all that ran; None for fewer than two."""
    points = [
        curves.Point(v.configuration, v.ratio.value, v.metrics.sqnr_db)
        for v in (result.verdict for result in run.results)
        if v.ratio is not None and v.metrics is not None and v.metrics.sqnr_db is not None
    ]
    return curves.pareto(points, "pareto", "Time against error") if len(points) > 1 else None
