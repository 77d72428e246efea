"""All configurations of a run as a table in the terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from tvmq_diag.results.run import Result, Run

from ..formatting import DASH, ROLES, TIMES, clip, number, outcome_class, outcome_mark
from .console import STYLES


def table(run: Run) -> Table:
    """All configurations of a run, the reference and the float model last."""
    grid = Table(box=None, pad_edge=False, padding=(0, 1), collapse_padding=True)
    grid.add_column("configuration", overflow="fold")
    grid.add_column("outcome", no_wrap=True)
    grid.add_column("where", overflow="fold", min_width=15)
    for name in ("cosine", "SQNR dB", "ms", f"{TIMES} float"):
        grid.add_column(name, justify="right", no_wrap=True)
    for result in run.with_role(*ROLES):
        grid.add_row(*_cells(result))
    return grid


def _cells(result: Result) -> list[Text]:
    verdict = result.verdict
    latency, ratio = verdict.latency_ms, verdict.ratio
    role = ROLES[result.role]
    look = STYLES[outcome_class(verdict.outcome)]
    outcome = Text(f"{outcome_mark(verdict.outcome)} {verdict.outcome}", style=look)
    op = f"{verdict.op.name} #{verdict.op.index}" if verdict.op else ""
    where = " ".join(part for part in (verdict.stage, verdict.pass_name, op) if part)
    name = clip(verdict.configuration, 40) + (f"\n{role}" if role else "")
    rest = [
        number(verdict.metrics.cosine if verdict.metrics else None, 3),
        number(verdict.metrics.sqnr_db if verdict.metrics else None, 1),
        number(latency.median if latency else None),
        number(ratio.value if ratio else None),
    ]
    where = clip(where, 100) or DASH
    return [Text(name), outcome, Text(where), *(Text(text) for text in rest)]
