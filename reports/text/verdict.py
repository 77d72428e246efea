"""A verdict in the terminal: its headline, then why, where and what to try."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tvmq_diag.analysis import gains
from tvmq_diag.configuration import parse
from tvmq_diag.errors import UsageError
from tvmq_diag.results.run import Result
from tvmq_diag.results.verdict import CRASHED, REJECTED, TIMED_OUT, WORKS, WRONG, Verdict

from .. import formatting
from ..views import accuracy, kernel_code
from ..views.card import Card
from .console import STYLES


def lines(result: Result) -> RenderableType:
    """The outcome and its headline, then why, knob, where and what to try."""
    verdict = result.verdict
    style = STYLES[formatting.outcome_class(verdict.outcome)]
    head = Text(f"{formatting.outcome_mark(verdict.outcome)} ", style=style)
    head.append(formatting.clip(verdict.headline, 300), style="bold")
    rows = Table.grid(padding=(0, 1))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(overflow="fold")
    for name, text in _lines(result):
        rows.add_row(name, Text(text))  # Text: rich markup in a model's names stays text
    return Group(head, Padding(rows, (0, 0, 0, 2))) if rows.row_count else head


def _lines(result: Result) -> list[tuple[str, str]]:
    verdict, card = result.verdict, Card(result)
    lines = [
        ("why", verdict.reason),
        ("knob", card.knob),
        ("where", _where(verdict) or _unlooked(result)),
        ("thrown", card.site),
        ("result", _accuracy(verdict)),
        ("same", _same(verdict)),
        ("top-1", card.top1),
        ("note", "a different answer each time" if verdict.deterministic is False else None),
        ("float", card.islands),
        ("bits", card.bitserial),
        *(("data", run.sentence) for run in verdict.calibrations if run.outcome != WORKS),
        ("level", verdict.level_difference.sentence if verdict.level_difference else None),
        ("tuned", gains.sentence(verdict.tuning) if verdict.tuning else None),
        ("code", " ".join(kernel_code.said(result.code)) if result.code is not None else None),
        ("finds", _hazard(verdict)),
        ("fix", verdict.fix.sentence if verdict.fix else None),
        ("try", verdict.suggestion),
        ("repro", verdict.reproducer or _no_reproducer(verdict.reproducer_note)),
    ]
    return [(name, formatting.clip(text, 600)) for name, text in lines if text]


def _no_reproducer(note: str | None) -> str | None:
    return f"none: {note}" if note else None


def _hazard(verdict: Verdict) -> str | None:
    """What weighs most, and what trying the remedy gained."""
    if not verdict.hazards:
        return None
    first = verdict.hazards[0]
    tried = f"; tried: {first.gained.value:.2f} times as long" if first.gained else ""
    return f"{first.name}: {first.hazard}. {first.mitigation}{tried}"


def _where(verdict: Verdict) -> str | None:
    path = formatting.WITHIN.join(verdict.pass_path or [])
    place = f"{verdict.stage}: {path}" if path and verdict.stage else path or _stage(verdict)
    span = f"{verdict.op.span}, " if verdict.op is not None and verdict.op.span else ""
    return f"{span}{place}" if place else None


def _stage(verdict: Verdict) -> str | None:
    """The stage of a failure that came in no pass, as in code generation."""
    return verdict.stage if verdict.outcome in (REJECTED, CRASHED, TIMED_OUT) else None


def _unlooked(result: Result) -> str | None:
    """Of a wrong result of which nobody asked where it comes from."""
    verdict = result.verdict
    if verdict.outcome != WRONG or result.bisection is not None:
        return None
    try:
        as_is = parse(verdict.configuration).as_is
    except UsageError:  # a script, or a damaged record: nothing that could be bisected
        return None
    return None if as_is else "not looked for (tvmq-diag bisect does)"


def _same(verdict: Verdict) -> str | None:
    return ", ".join(accuracy.same(verdict.metrics)) if verdict.metrics is not None else None


def _accuracy(verdict: Verdict) -> str | None:
    figures = accuracy.figures(verdict.metrics) if verdict.metrics is not None else []
    if verdict.latency_ms is not None:
        figures.append(formatting.duration(verdict.latency_ms.median))
    if verdict.ratio is not None:
        figures.append(f"{verdict.ratio} of float")
    return ", ".join(figures) or None
