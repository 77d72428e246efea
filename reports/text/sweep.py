"""All configurations of a run as a table in the terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from tvmq_diag.analysis.accuracy import percent
from tvmq_diag.results.run import Result, Run

from ..formatting import DASH, ROLES, TIMES, clip, number, outcome_class, outcome_mark
from ..views.accuracy import top1
from .console import STYLES


def table(run: Run) -> Table:
    """All configurations of a run, the reference and the float model last."""
    grid = Table(box=None, pad_edge=False, padding=(0, 1), collapse_padding=True)
    grid.add_column("configuration", overflow="fold")
    grid.add_column("outcome", no_wrap=True)
    grid.add_column("where", overflow="fold", min_width=12)
    results = run.with_role(*ROLES)
    several = any(_worst(result) is not None for result in results)
    labelled = any(top1(run, result) is not None for result in results)
    added = [name for name, has in (("worst", several), ("top-1", labelled)) if has]
    decibels = "dB" if added else "SQNR dB"  # there is room for 80 characters
    for name in ("cosine", *added, decibels, "ms", f"{TIMES} float"):
        grid.add_column(name, justify="right", no_wrap=True)
    for result in results:
        grid.add_row(*_cells(result, several, [_percent(top1(run, result))] if labelled else []))
    return grid


def _cells(result: Result, several: bool, shares: list[str]) -> list[Text]:
    verdict = result.verdict
    latency, ratio = verdict.latency_ms, verdict.ratio
    role = ROLES[result.role]
    look = STYLES[outcome_class(verdict.outcome)]
    outcome = Text(f"{outcome_mark(verdict.outcome)} {verdict.outcome}", style=look)
    op = f"{verdict.op.name} #{verdict.op.index}" if verdict.op else ""
    where = " ".join(part for part in (verdict.stage, verdict.pass_name, op) if part)
    name = clip(verdict.configuration, 100).replace(":", "\n:")  # a column is narrow
    name += f"\n{role}" if role else ""
    rest = [
        number(verdict.metrics.cosine if verdict.metrics else None, 3),
        *([number(_worst(result), 3)] if several else []),
        *shares,
        number(verdict.metrics.sqnr_db if verdict.metrics else None, 1),
        number(latency.median if latency else None),
        number(ratio.value if ratio else None),
    ]
    where = clip(where, 100) or DASH
    return [Text(name), outcome, Text(where), *(Text(text) for text in rest)]


def _worst(result: Result) -> float | None:
    """The cosine of the worst input, where there are several."""
    metrics = result.verdict.metrics
    return metrics.worst_cosine if metrics is not None and metrics.inputs > 1 else None


def _percent(share: float | None) -> str:
    return DASH if share is None else percent(share)
