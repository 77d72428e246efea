"""A comparison as text that `diff` can read: no times, no paths, always in the same order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from tvmq_diag.comparison.op_diff import MARKS, Difference, alike
from tvmq_diag.comparison.outcome_diff import SAME
from tvmq_diag.comparison.pass_diff import PassDelta
from tvmq_diag.comparison.run_diff import Comparison, ConfigurationDelta, Figure
from tvmq_diag.results.verdict import Result

from ..formatting import clip

SORTS = 30
"""Sorts of difference of one pass that are written out; the rest is counted."""

PLACES = 6
"""Ops at which the same happens that are listed."""


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
    for note in delta.notes[:SORTS]:
        yield f"  {clip(note, 200)}"
    for found, repeated in _runs([one for one in delta.passes if one.differs]):
        yield from _pass(found, repeated, found is delta.first)


def _verdict(result: Result | None) -> str:
    return "none" if result is None else clip(result.verdict.headline, 240)


def _figure(figure: Figure) -> str:
    old, new = values(figure)
    return f"{figure.name} {old} -> {new}" + (" (worse)" if figure.worse else "")


def values(figure: Figure) -> tuple[str, str]:
    """What a figure was and is: `0.9783`, or `1.082 [1.071, 1.093]`."""
    old, new = (_number(value) for value in (figure.old, figure.new))
    if figure.about is not None:
        return f"{old} {figure.about[0]}", f"{new} {figure.about[1]}"
    return old, new


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _runs(passes: list[PassDelta]) -> Iterator[tuple[PassDelta, list[str]]]:
    """The passes, with the names of those behind each that differ by the same again."""
    for _, group in groupby(passes, lambda one: (one.stage, one.state, one.before, _counts(one))):
        found, *same = group
        yield found, [" > ".join(one.path) or one.name for one in same]


def _counts(found: PassDelta) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(found.counts.items()))


def _pass(found: PassDelta, repeated: list[str], first: bool) -> Iterator[str]:
    path = " > ".join(found.path) or found.name
    head = "first difference in" if first else "then"
    given = ", in what it is given" if found.before else ""
    counts = _counts(found)
    said = f": {counts}" if counts else ""
    if repeated:
        said += f"; the same up to {clip(repeated[-1], 200)}, {len(repeated) + 1} passes"
    yield f"  {head} {clip(path, 200)} ({found.stage}, {found.state}{given}){said}"
    if first:
        yield from (f"    {line}" for line in differences(found.differences))


def differences(found: list[Difference]) -> Iterator[str]:
    """Each sort of difference, with where else it occurs; what merely follows is counted."""
    follow = sum(difference.follows for difference in found)
    sorts = alike([difference for difference in found if not difference.follows])
    for sort in sorts[:SORTS]:
        places = list(dict.fromkeys(str(difference.op) for difference in sort[1:]))
        line = f"{MARKS[sort[0].kind]} {clip(sort[0].line, 300)}"
        yield f"{line}; and at {_some(places)}" if places else line
    if len(sorts) > SORTS:
        yield f"and {sum(map(len, sorts[SORTS:]))} more of {len(sorts) - SORTS} sorts"
    if follow:
        yield f"= {follow} ops between them follow: they read another dtype"


def _some(places: list[str]) -> str:
    if len(places) <= PLACES:
        return ", ".join(places)
    return f"{', '.join(places[:PLACES])} and {len(places) - PLACES} more"
