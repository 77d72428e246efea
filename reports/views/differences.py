"""What differs in a pass or a figure, in lines of plain text: for the page and for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from tvmq_diag.comparison.figures import Figure
from tvmq_diag.comparison.pass_diff import PassDelta
from tvmq_diag.comparison.sorts import Sort

from ..formatting import clip

SORTS = 30
"""Sorts of difference of one pass that are written out; the rest is counted."""

PLACES = 6
"""Ops at which the same happens that are listed."""


def old_and_new(figure: Figure) -> tuple[str, str]:
    """What a figure was and is: `0.9783`, or `1.082 [1.071, 1.093]`."""
    old, new = (_number(value) for value in (figure.old, figure.new))
    if figure.about is not None:
        return f"{old} {figure.about[0]}", f"{new} {figure.about[1]}"
    return old, new


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def counts(compared: PassDelta) -> str:
    """How many ops differ in which way: `2 added, 1 changed`; empty if none does."""
    return ", ".join(f"{count} {kind}" for kind, count in sorted(compared.counts.items()))


def lines(compared: PassDelta) -> Iterator[str]:
    """Each sort of difference, with where it occurs; what merely follows is counted."""
    follow = [sort for sort in compared.sorts if sort.follows]
    sorts = [sort for sort in compared.sorts if not sort.follows]
    if not sorts:  # another dtype from the beginning
        sorts, follow = follow, []
    for sort in sorts[:SORTS]:
        yield clip(sort.marked(PLACES), 400)
    if len(sorts) > SORTS:
        yield f"and {_count(sorts[SORTS:])} more of {len(sorts) - SORTS} sorts"
    if follow:
        yield f"= {_count(follow)} ops between them follow: they read another dtype"


def _count(sorts: list[Sort]) -> int:
    return sum(len(sort.differences) for sort in sorts)
