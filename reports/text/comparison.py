"""A comparison as text that `diff` can read: no times, no paths, always in the same order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from tvmq_diag.comparison.figures import Figure
from tvmq_diag.comparison.outcome_diff import SAME
from tvmq_diag.comparison.pass_diff import PassDelta
from tvmq_diag.comparison.run_diff import Comparison, ConfigurationDelta
from tvmq_diag.results.run import Result

from ..formatting import clip
from ..views.differences import counts, lines, old_and_new

NOTES = 30
"""Notes of a configuration that are written out."""


def text(comparison: Comparison) -> str:
    """The comparison, one line for each thing that differs."""
    return "\n".join(_lines(comparison)) + "\n"


def _lines(comparison: Comparison) -> Iterator[str]:
    yield clip(comparison.headline, 300)
    if comparison.different:
        yield clip(f"worse: {'; '.join(comparison.regressions()) or 'nothing'}", 300)
    for fact in comparison.facts:
        yield f"run {clip(fact, 200)}"
    for delta in comparison.different:
        yield ""
        yield from _configuration(delta)


def _configuration(delta: ConfigurationDelta) -> Iterator[str]:
    worse = ", ".join(delta.regressions)
    yield f"{clip(delta.name, 120)}: {f'worse ({worse})' if worse else 'not worse'}"
    if delta.outcome != SAME:
        yield f"  outcome {delta.outcome}: {_verdict(delta.old)} -> {_verdict(delta.new)}"
    for setting in delta.settings:
        yield f"  setting {clip(setting, 200)}"
    for figure in delta.figures:
        yield f"  {_figure(figure)}"
    for note in delta.notes[:NOTES]:
        yield f"  {clip(note, 200)}"
    for compared, repeated in _runs([one for one in delta.passes if one.differs]):
        yield from _pass(compared, repeated, compared is delta.first)


def _verdict(result: Result | None) -> str:
    return "none" if result is None else clip(result.verdict.headline, 240)


def _figure(figure: Figure) -> str:
    old, new = old_and_new(figure)
    return f"{figure.name} {old} -> {new}" + (" (worse)" if figure.worse else "")


def _runs(passes: list[PassDelta]) -> Iterator[tuple[PassDelta, list[str]]]:
    """The passes, with the names of those behind each that differ by the same again."""
    for _, group in groupby(passes, lambda one: (one.stage, one.state, one.before, counts(one))):
        first, *same = group
        yield first, [" > ".join(one.path) or one.name for one in same]


def _pass(compared: PassDelta, repeated: list[str], first: bool) -> Iterator[str]:
    path = " > ".join(compared.path) or compared.name
    head = "first difference in" if first else "then"
    given = ", in what it is given" if compared.before else ""
    counted = counts(compared)
    tail = f": {counted}" if counted else ""
    if repeated:
        tail += f"; the same up to {clip(repeated[-1], 200)}, {len(repeated) + 1} passes"
    yield f"  {head} {clip(path, 200)} ({compared.stage}, {compared.state}{given}){tail}"
    if first:
        yield from (f"    {line}" for line in lines(compared))
