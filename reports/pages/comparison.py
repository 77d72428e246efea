"""The page of a comparison: what is worse first, then the first difference side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tvmq_diag.comparison.alignment import Alignment, align
from tvmq_diag.comparison.op_diff import (
    ADDED,
    CHANGED,
    MARKS,
    REMOVED,
    REPLACED,
    Difference,
    differences,
    places_of_old,
    ref,
)
from tvmq_diag.comparison.outcome_diff import SAME
from tvmq_diag.comparison.pass_diff import ONLY_NEW, ONLY_OLD, PassDelta
from tvmq_diag.comparison.run_diff import Comparison, ConfigurationDelta
from tvmq_diag.results.verdict import Result
from tvmq_diag.trace.graph import Graph

from ..formatting import DASH, clip, outcome_class, outcome_mark
from ..templating import environment
from ..text import comparison as compare_text

CONTEXT = 2
"""Equal ops shown on each side of those that differ."""

ROWS = 600
"""Rows of a table side by side at most; comparison.json has all."""

LINES = 200
"""Lines of what a later pass does differently."""

_LABELS = {"command": "command line", "tool_version": "tvmq_diag"}

LOOKS = {ADDED: "added", REMOVED: "removed", CHANGED: "changed", REPLACED: "replaced"}


@dataclass(frozen=True)
class Row:
    """A line of two modules side by side; `gap` equal ops are left out before it."""

    mark: str
    look: str
    old: str
    old_type: str
    new: str
    new_type: str
    said: str
    gap: int = 0


@dataclass(frozen=True)
class Side:
    """What became of the configuration in one run."""

    said: str
    mark: str
    look: str


@dataclass
class View:
    """Everything the template shows of one configuration."""

    key: str
    name: str
    role: str
    delta: ConfigurationDelta
    old: Side
    new: Side
    figures: list[tuple[str, str, str, bool]] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    first: PassDelta | None = None
    headline: str = ""
    rows: list[Row] = field(default_factory=list)
    rows_left: int = 0
    columns: tuple[str, str] = ("before", "now")
    passes: list[tuple[PassDelta, str, list[str]]] = field(default_factory=list)
    same: int = 0

    @property
    def look(self) -> str:
        """good, bad or odd: whether it is worse, and whether it differs at all."""
        return "bad" if self.delta.regressions else "odd" if self.delta.different else "good"

    @property
    def outcome(self) -> str:
        """What became of the outcome; empty if nothing."""
        return "" if self.delta.outcome == SAME else self.delta.outcome

    @property
    def said(self) -> str:
        """The configuration's comparison in a few words."""
        if self.delta.regressions:
            return f"worse: {', '.join(self.delta.regressions)}"
        if self.first is not None:
            return f"differs from {self.first.name} on"
        return "differs" if self.delta.different else "no difference"


def write(comparison: Comparison, facts: dict[str, Any], directory: Path) -> Path:
    """Write `index.html` into the folder; returns it.

    `facts`: command, created, tool_version, before, now (the two folders).
    """
    views = [_view(delta, f"c{i}") for i, delta in enumerate(comparison.configurations)]
    # What differs first, and of that what is worse.
    views.sort(key=lambda view: (not view.delta.regressions, not view.delta.different))
    template = environment().get_template("compare.html.j2")
    worse = comparison.regressions()
    page = directory / "index.html"
    html = template.render(
        headline=_arrows(comparison.headline[:1].upper() + comparison.headline[1:]),
        look="bad" if worse else "odd" if comparison.different else "good",
        mark="✗" if worse else "≠" if comparison.different else "✓",
        worse=[_arrows(line) for line in worse],
        views=views,
        facts=[(_LABELS.get(name, name), clip(value, 400)) for name, value in facts.items()],
        sides=[clip(facts.get(side, side), 80) for side in ("before", "now")],
        asked=[_arrows(fact) for fact in comparison.facts],
        created=clip(facts.get("created") or "", 40),
    )
    page.write_text(html, encoding="utf-8")
    return page


def _arrows(text: str) -> str:
    """The text form is plain ASCII; a page need not be."""
    return clip(text.replace(" -> ", " → "), 400)


def _view(delta: ConfigurationDelta, key: str) -> View:
    view = View(key, _arrows(delta.name), delta.role, delta, _side(delta.old), _side(delta.new))
    view.figures = [
        (figure.name, *compare_text.values(figure), figure.worse) for figure in delta.figures
    ]
    view.first = delta.first
    view.headline = _arrows(delta.first.headline) if delta.first is not None else ""
    view.settings = [_arrows(setting) for setting in delta.settings]
    view.notes = [_arrows(note) for note in delta.notes]
    if delta.first is not None:
        alignment = _alignment(delta, delta.first)
        if alignment is not None:
            rows = list(rows_of(alignment))
            view.rows, view.rows_left = rows[:ROWS], max(0, len(rows) - ROWS)
        if delta.first.state in (ONLY_OLD, ONLY_NEW):
            view.columns = ("what the pass is given", "what it makes of it")
    for found in delta.passes:
        if found.differs:
            lines = [_arrows(line) for line in compare_text.differences(found.differences)]
            view.passes.append((found, _counts(found), lines[:LINES]))
    view.same = len(delta.passes) - len(view.passes)
    return view


def _side(result: Result | None) -> Side:
    if result is None:
        return Side("not tried", DASH, "odd")
    outcome = result.verdict.outcome
    return Side(clip(result.verdict.headline, 400), outcome_mark(outcome), outcome_class(outcome))


def _counts(found: PassDelta) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(found.counts.items()))


def _alignment(delta: ConfigurationDelta, found: PassDelta) -> Alignment | None:
    """The two modules that a difference was found in, once more."""
    old = delta.new if found.state == ONLY_NEW else delta.old
    new = delta.old if found.state == ONLY_OLD else delta.new
    if not found.differences or old is None or new is None:
        return None
    assert old.trace is not None and new.trace is not None
    modules = old.trace.snapshot(found.old), new.trace.snapshot(found.new)
    if modules[0] is None or modules[1] is None:
        return None
    return align(Graph(modules[0]), Graph(modules[1]))


def rows_of(alignment: Alignment) -> Iterator[Row]:
    """Two modules side by side: what differs with some ops around it, the rest counted."""
    lines = list(_lines(alignment))
    wanted = {
        near
        for at, (_, _, difference) in enumerate(lines)
        if difference is not None
        for near in range(at - CONTEXT, at + CONTEXT + 1)
    }
    gap = 0
    for at, (i, j, difference) in enumerate(lines):
        if at not in wanted:
            gap += 1
            continue
        yield _row(alignment, i, j, difference, gap)
        gap = 0
    if gap:
        yield Row("", "rest", "", "", "", "", "", gap)


Line = tuple["int | None", "int | None", "Difference | None"]


def _lines(alignment: Alignment) -> Iterator[Line]:
    """Each pair of ops, and each that has no other, where it stands in the new module."""
    of_old: dict[int, Difference] = {}
    of_new: dict[int, Difference] = {}
    for difference in differences(alignment):
        of_old.update((op.index, difference) for op in difference.old)
        of_new.update((op.index, difference) for op in difference.new)
    partner = {j: i for i, j in alignment.pairs.items()}
    places = places_of_old(alignment)
    placed: list[tuple[float, int, Line]] = [
        (float(op.index), op.index, (partner.get(op.index), op.index, of_new.get(op.index)))
        for op in alignment.new.ops
    ]
    for op in alignment.old.ops:
        if op.index not in alignment.pairs:
            placed.append((places[op.index], op.index, (op.index, None, of_old.get(op.index))))
    placed.sort(key=lambda item: item[:2])
    yield from (line for _, _, line in placed)


def _row(
    alignment: Alignment, i: int | None, j: int | None, difference: Difference | None, gap: int
) -> Row:
    old = ref(alignment.old.ops[i]) if i is not None else None
    new = ref(alignment.new.ops[j]) if j is not None else None
    kind = difference.kind if difference is not None else ""
    if difference is None:
        said = ""
    elif kind == CHANGED:
        said = "; ".join(map(str, difference.changes))
    else:
        said = LOOKS[kind] if difference.reader is None else f"{LOOKS[kind]}, at {difference.op}"
    return Row(
        MARKS.get(kind, ""),
        LOOKS.get(kind, "alike"),
        str(old) if old else "",
        old.type if old else "",
        str(new) if new else "",
        new.type if new else "",
        _arrows(said),
        gap,
    )
