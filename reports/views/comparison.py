"""What the page of a comparison shows of one configuration."""

from __future__ import annotations

from dataclasses import dataclass, field

from tvmq_diag.comparison.alignment import Alignment, align
from tvmq_diag.comparison.outcome_diff import SAME
from tvmq_diag.comparison.pass_diff import ONLY_NEW, ONLY_OLD, PassDelta
from tvmq_diag.comparison.run_diff import ConfigurationDelta
from tvmq_diag.results.run import Result
from tvmq_diag.trace.graph import Graph

from ..formatting import DASH, arrows, clip, outcome_class, outcome_mark
from . import differences
from .side_by_side import AlignedRow, rows_of

ROWS = 600
"""Rows of a table side by side at most; comparison.json has all."""

LINES = 200
"""Lines of what a later pass does differently."""


@dataclass(frozen=True)
class OutcomeView:
    """What became of the configuration in one run."""

    headline: str
    mark: str
    look: str


@dataclass
class ConfigurationView:
    """Everything the template shows of one configuration."""

    key: str
    name: str
    role: str
    delta: ConfigurationDelta
    old: OutcomeView
    new: OutcomeView
    figures: list[tuple[str, str, str, bool]] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    first: PassDelta | None = None
    headline: str = ""
    rows: list[AlignedRow] = field(default_factory=list)
    rows_omitted: int = 0
    columns: tuple[str, str] = ("before", "now")
    passes: list[tuple[PassDelta, str, list[str]]] = field(default_factory=list)
    same: int = 0

    @property
    def look(self) -> str:
        """good, bad or odd: whether it is worse, and whether it differs at all."""
        return "bad" if self.delta.regressions else "odd" if self.delta.different else "good"

    @property
    def mark(self) -> str:
        """The same as a sign."""
        return {"bad": "✗", "odd": "≠", "good": "✓"}[self.look]

    @property
    def outcome(self) -> str:
        """What became of the outcome; empty if nothing."""
        return "" if self.delta.outcome == SAME else self.delta.outcome

    @property
    def summary(self) -> str:
        """The configuration's comparison in a few words."""
        if self.delta.regressions:
            return f"worse: {', '.join(self.delta.regressions)}"
        if self.first is not None:
            return f"differs from {self.first.name} on"
        return "differs" if self.delta.different else "no difference"


def view(delta: ConfigurationDelta, key: str) -> ConfigurationView:
    """Work out what is shown of a configuration; every id in its HTML begins with `key`."""
    view = ConfigurationView(
        key, arrows(delta.name), delta.role.value, delta, _outcome(delta.old), _outcome(delta.new)
    )
    view.figures = [
        (figure.name, *differences.old_and_new(figure), figure.worse) for figure in delta.figures
    ]
    view.first = delta.first
    view.headline = arrows(delta.first.headline) if delta.first is not None else ""
    view.settings = [arrows(setting) for setting in delta.settings]
    view.notes = [arrows(note) for note in delta.notes]
    if delta.first is not None:
        alignment = _alignment(delta, delta.first)
        if alignment is not None:
            rows = list(rows_of(alignment))
            view.rows, view.rows_omitted = rows[:ROWS], max(0, len(rows) - ROWS)
        if delta.first.state in (ONLY_OLD, ONLY_NEW):
            view.columns = ("what the pass is given", "what it makes of it")
    for compared in delta.passes:
        if compared.differs:
            text = [arrows(line) for line in differences.lines(compared)]
            view.passes.append((compared, differences.counts(compared), text[:LINES]))
    view.same = len(delta.passes) - len(view.passes)
    return view


def _outcome(result: Result | None) -> OutcomeView:
    if result is None:
        return OutcomeView("not tried", DASH, "odd")
    outcome = result.verdict.outcome
    return OutcomeView(
        clip(result.verdict.headline, 400), outcome_mark(outcome), outcome_class(outcome)
    )


def _alignment(delta: ConfigurationDelta, compared: PassDelta) -> Alignment | None:
    """The two modules that a difference was found in, once more."""
    old = delta.new if compared.state == ONLY_NEW else delta.old
    new = delta.old if compared.state == ONLY_OLD else delta.new
    if not compared.differences or old is None or new is None:
        return None
    assert old.trace is not None and new.trace is not None
    modules = old.trace.snapshot(compared.old), new.trace.snapshot(compared.new)
    if modules[0] is None or modules[1] is None:
        return None
    return align(Graph(modules[0]), Graph(modules[1]))
