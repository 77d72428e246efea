"""A zoo against a baseline, which is another one: what became worse, and what better, cell by cell.

A TVM is held against that of the same name; where each of the two has one TVM of a dialect left, as
when a branch of somebody's (`--tvm-python`) is held against the released one, against that.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from ..results.version_matrix import CellRecord
from ..results.zoo import Zoo, ZooCell, ZooTvm, verdict_of
from . import figures
from .figures import Figure, Tolerances
from .outcome_diff import EARLIER, FIXED, LATER, MISSING, NEW, REGRESSED, SAME, UNKNOWN, classify

WORSE, BETTER, OTHERWISE, UNCHANGED = "worse", "better", "otherwise", "same"
"""What became of a cell: OTHERWISE differs, and nobody can say for the better."""

_RANK = (WORSE, BETTER, OTHERWISE)

ACCURACY = "accuracy"

_BETTER = {FIXED, LATER}
_WORSE = {REGRESSED, EARLIER}


@dataclass(frozen=True)
class ZooChange:
    """A configuration, in what it means on a TVM, that is not as in the baseline.

    `what` is a class of outcome_diff, or `accuracy`. `old` is None for a cell that the baseline has
    not, or has without a result; `new` likewise. `figures` are those that changed.
    """

    model: str
    configuration: str
    meaning: str
    tvm: str
    kind: str
    what: str
    old: CellRecord | None
    new: CellRecord | None
    figures: list[Figure] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str, str]:
        """The cell that it is in."""
        return self.model, self.configuration, self.tvm

    @property
    def sentence(self) -> str:
        """What was, and what is."""
        words = [_said(one) for one in (self.old, self.new)]
        said = f"{words[0]} -> {words[1]}" if words[0] != words[1] else words[1]
        moved = [f"{one.name} {_number(one.old)} -> {_number(one.new)}" for one in self.figures]
        return ", ".join([said, *moved])


@dataclass(frozen=True)
class ZooDiff:
    """What is not as in the baseline, the worst first. `notes` is what the two do not share;
    `compared` counts meanings of cells that both have a result of, `remaining` the cells of this
    one that were not run, or not yet."""

    changes: list[ZooChange]
    compared: int
    notes: list[str]
    remaining: int = 0

    def of_kind(self, kind: str) -> list[ZooChange]:
        """The changes of a kind: WORSE, BETTER or OTHERWISE."""
        return [change for change in self.changes if change.kind == kind]

    def in_cell(self, cell: ZooCell) -> list[ZooChange]:
        """The changes of a cell."""
        return [change for change in self.changes if change.key == cell.key]

    @property
    def headline(self) -> str:
        """How many became worse, better, and otherwise, and of how many, in one line."""
        counts = {kind: len(self.of_kind(kind)) for kind in _RANK}
        said = [f"{count} {kind}" for kind, count in counts.items() if count]
        remaining = f"; {self.remaining} not run" if self.remaining else ""
        return f"{', '.join(said) or 'nothing changed'}, of {self.compared} compared{remaining}"

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "headline": self.headline,
            "notes": self.notes,
            "changes": [
                {
                    "model": change.model,
                    "configuration": change.meaning,
                    "tvm": change.tvm,
                    "kind": change.kind,
                    "what": change.what,
                    "said": change.sentence,
                }
                for change in self.changes
            ],
        }


def compare(before: Zoo, now: Zoo, tolerances: Tolerances | None = None) -> ZooDiff:
    """Hold a zoo against a baseline. What only one of them has is no change but a note."""
    tolerances = tolerances or Tolerances()
    paired = pairs(before.tvms, now.tvms)
    changes: list[ZooChange] = []
    compared = unmatched = 0
    for cell in now.cells:
        old = before.cell(cell.model, cell.configuration, paired.get(cell.tvm, cell.tvm))
        if old is None:
            unmatched += 1
            continue
        olds, news = _by_meaning(old), _by_meaning(cell)
        for meaning in dict.fromkeys([*olds, *news]):
            compared += meaning in olds and meaning in news
            change = _change(cell, meaning, olds.get(meaning), news.get(meaning), tolerances)
            changes += [change] if change is not None else []
    changes.sort(key=lambda change: _RANK.index(change.kind))
    return ZooDiff(changes, compared, _notes(before, now, paired, unmatched), now.remaining)


def pairs(before: list[ZooTvm], now: list[ZooTvm]) -> dict[str, str]:
    """The name of the baseline's TVM for each of today's that has a counterpart."""
    names = {tvm.name for tvm in before}
    paired = {tvm.name: tvm.name for tvm in now if tvm.name in names}
    for dialect in {tvm.dialect for tvm in now}:
        ours = [tvm.name for tvm in now if tvm.dialect == dialect and tvm.name not in paired]
        theirs = [
            tvm.name for tvm in before if tvm.dialect == dialect and tvm.name not in paired.values()
        ]
        if len(ours) == len(theirs) == 1:
            paired[ours[0]] = theirs[0]
    return paired


def _change(
    cell: ZooCell,
    meaning: str,
    old: CellRecord | None,
    new: CellRecord | None,
    tolerances: Tolerances,
) -> ZooChange | None:
    """What became of one meaning of a cell; None where it is as it was."""

    def change(kind: str, what: str, moved: list[Figure]) -> ZooChange:
        place = cell.model, cell.configuration, meaning, cell.tvm
        return ZooChange(*place, kind, what, old, new, moved)

    if old is None or new is None:
        if old is new:
            return None
        return change(OTHERWISE, NEW if old is None else MISSING, [])
    was, is_now = verdict_of(old, cell.tvm), verdict_of(new, cell.tvm)
    what = classify(was, is_now, None)
    moved = figures.accuracy(was, is_now, tolerances)
    if what in _WORSE:
        return change(WORSE, what, moved)
    if any(figure.worse for figure in moved):
        return change(WORSE, ACCURACY, moved)
    if what in _BETTER:
        return change(BETTER, what, moved)
    mirrored = figures.accuracy(is_now, was, tolerances)
    if what == SAME and any(figure.worse for figure in mirrored):
        return change(BETTER, ACCURACY, moved)
    if what in (SAME, UNKNOWN) and old.outcome == new.outcome:
        return None
    return change(OTHERWISE, what, moved)


def _by_meaning(cell: ZooCell) -> dict[str, CellRecord]:
    return {entry.configuration: entry for entry in cell.entries}


def _notes(before: Zoo, now: Zoo, paired: dict[str, str], unmatched: int) -> list[str]:
    notes = [
        f"{ours} is held against {theirs} of the baseline"
        for ours, theirs in paired.items()
        if ours != theirs
    ]
    if before.facts.arguments != now.facts.arguments:
        options = [" ".join(zoo.facts.arguments) or "none" for zoo in (before, now)]
        notes.append(f"the options of the cells differ: {options[0]} -> {options[1]}")
    if before.facts.tool_version != now.facts.tool_version:
        versions = [zoo.facts.tool_version or "?" for zoo in (before, now)]
        notes.append(f"the baseline was made by tvmq_diag {versions[0]}, this by {versions[1]}")
    if unmatched:
        notes.append(f"the baseline has nothing of {_cells(unmatched)} of this zoo")
    tvms = [paired.get(tvm.name, tvm.name) for tvm in now.tvms]
    wanted = set(itertools.product(now.models, now.configurations, tvms))
    theirs_only = sum(cell.key not in wanted for cell in before.cells)
    if theirs_only:
        notes.append(f"this zoo has nothing of {_cells(theirs_only)} of the baseline")
    return notes


def _cells(count: int) -> str:
    return f"{count} cell{'s' if count != 1 else ''}"


def _said(entry: CellRecord | None) -> str:
    if entry is None:
        return "no result"
    by = f" by {entry.pass_name}" if entry.pass_name else ""
    at = f" at {entry.op.name} #{entry.op.index}" if entry.op is not None else ""
    return f"{entry.outcome}{by}{at}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
