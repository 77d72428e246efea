"""What a zoo shows of each cell, in its page and in a terminal."""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.comparison.zoo_diff import BETTER, WORSE, ZooChange, ZooDiff
from tvmq_diag.results.verdict import WRONG
from tvmq_diag.results.version_matrix import CellRecord, meaning
from tvmq_diag.results.zoo import Zoo, ZooCell, ZooTvm

from .. import formatting
from ..formatting import arrows, clip, outcome_class, outcome_mark
from . import accuracy

NO_RESULT = "no result"

CHANGE_MARKS = {WORSE: "▼", BETTER: "▲"}
"""Beside the word: a change is never told by colour alone. Any other is `≠`."""

_ORDER = ("good", "odd", "bad", "muted")
"""By which a column is sorted: what works first, what was not run last."""


@dataclass(frozen=True)
class EntryView:
    """One meaning of a configuration in a cell. `label` is that, where there are several."""

    look: str
    mark: str
    word: str
    label: str = ""
    detail: str = ""
    link: str = ""


@dataclass(frozen=True)
class CellView:
    """A cell: its entries, by what it is sorted, and what became of it since the baseline; those
    three are empty where nothing did."""

    entries: list[EntryView]
    sort: str
    change: str = ""
    kind: str = ""
    mark: str = ""


@dataclass(frozen=True)
class ColumnView:
    """A configuration on a TVM, and how many of its cells work: `2 of 12 work`."""

    configuration: str
    tvm: str
    works: str


@dataclass(frozen=True)
class RowView:
    """A model, and how many of its cells work."""

    model: str
    works: str
    share: float
    cells: list[CellView]
    changed: bool


@dataclass(frozen=True)
class ChangeView:
    """A line of what is not as in the baseline."""

    kind: str
    mark: str
    where: str
    said: str
    link: str


def shown(tvms: list[ZooTvm]) -> list[tuple[str, str]]:
    """What TVMs are called, and which they are."""
    return [
        (clip(short(tvm), 60), f"TVM {clip(tvm.version, 30)}, {tvm.dialect}" if tvm.version else "")
        for tvm in tvms
    ]


def short(tvm: ZooTvm) -> str:
    """What to call a TVM in few words: of ~/my-tvm/bin/python, my-tvm."""
    if tvm.python is None:
        return tvm.name
    parts = [part for part in tvm.name.split("/")[:-1] if part not in ("bin", "", "~")]
    return parts[-1] if parts else tvm.name


def columns(work: Zoo) -> list[ColumnView]:
    """The columns, configuration by configuration, in each the TVMs."""
    cells = {cell.key: cell for cell in work.cells}
    views = []
    for text, tvm in _columns(work):
        of_it = [cells.get((model, text, tvm.name)) for model in work.models]
        works = _works(of_it)
        said = "none was run" if works == formatting.DASH else f"{works} work"
        views.append(ColumnView(text, short(tvm), said))
    return views


def rows(work: Zoo, diff: ZooDiff | None) -> list[RowView]:
    """The models, in the order in which they were asked for."""
    cells = {cell.key: cell for cell in work.cells}
    changes: dict[tuple[str, str, str], list[ZooChange]] = {}
    for change in diff.changes if diff is not None else []:
        changes.setdefault(change.key, []).append(change)
    views = []
    for model in work.models:
        of_it = [cells.get((model, text, tvm.name)) for text, tvm in _columns(work)]
        shown = [
            _cell(one, changes.get((model, text, tvm.name), []), text, tvm)
            for one, (text, tvm) in zip(of_it, _columns(work), strict=True)
        ]
        judged = [one for one in of_it if one is not None and one.entries]
        share = sum(one.works for one in judged) / len(judged) if judged else -1.0
        changed = any(one.change for one in shown)
        views.append(RowView(model, _works(of_it), share, shown, changed))
    return views


def changed(diff: ZooDiff) -> list[ChangeView]:
    """What is not as in the baseline, the worst first."""
    return [
        ChangeView(
            change.kind,
            CHANGE_MARKS.get(change.kind, "≠"),
            clip(f"{change.model} in {change.meaning} on {change.tvm}", 160),
            arrows(change.sentence),
            (change.new.page or "") if change.new is not None else "",
        )
        for change in diff.changes
    ]


def _columns(work: Zoo) -> list[tuple[str, ZooTvm]]:
    return [(text, tvm) for text in work.configurations for tvm in work.tvms]


def _works(cells: list[ZooCell | None]) -> str:
    judged = [cell for cell in cells if cell is not None and cell.entries]
    return f"{sum(cell.works for cell in judged)} of {len(judged)}" if judged else formatting.DASH


def _cell(cell: ZooCell | None, changes: list[ZooChange], text: str, tvm: ZooTvm) -> CellView:
    if cell is None:
        means = tvm.dialect is None or meaning(text, tvm.dialect)
        word = "not run" if means else f"not for {tvm.dialect}"
        entries = [EntryView("muted", formatting.DASH, word)]
    elif not cell.entries:
        entries = [EntryView("muted", "?", NO_RESULT)]
    else:
        entries = [_entry(entry, text if len(cell.entries) > 1 else "") for entry in cell.entries]
    worst = max(entries, key=lambda entry: _ORDER.index(entry.look))
    sort = f"{_ORDER.index(worst.look)} {worst.word}"
    if not changes:
        return CellView(entries, sort)
    first = changes[0]
    mark = CHANGE_MARKS.get(first.kind, "≠")
    return CellView(entries, sort, f"{first.kind}: {_was(first)}", first.kind, mark)


def _entry(entry: CellRecord, typed: str) -> EntryView:
    """`typed`: the configuration, where it has several meanings that are to be told apart."""
    name = entry.outcome
    fields = entry.configuration.split(":")[1:]
    label = ":".join(field for field in fields if field not in typed.split(":")) if typed else ""
    return EntryView(
        outcome_class(name),
        outcome_mark(name),
        clip(name, 20),
        clip(label, 60),
        _detail(entry),
        entry.page or "",
    )


def _detail(entry: CellRecord) -> str:
    """Where it failed, or how near its numbers are: of wrong ones also in other figures, as each of
    them may be what is wrong."""
    at = f"{entry.op.name} #{entry.op.index}" if entry.op is not None else ""
    metrics = entry.metrics
    if metrics is not None and metrics.cosine is not None:
        worst = metrics.worst_cosine
        more = f", worst {worst:.3f}" if metrics.inputs > 1 and worst is not None else ""
        same = accuracy.same(metrics) if entry.outcome == WRONG else []
        return ", ".join([f"cosine {metrics.cosine:.3f}{more}", *same])
    place = " at ".join(part for part in (entry.pass_name or entry.stage or "", at) if part)
    return clip(place, 80)


def _was(change: ZooChange) -> str:
    """What it was, in few words."""
    old, new = change.old, change.new
    if old is None:
        return f"was {NO_RESULT}"
    if new is not None and old.outcome == new.outcome and change.figures:
        figure = change.figures[0]
        return f"was {figure.name} {formatting.number(figure.old, 3)}"
    return clip(", ".join(part for part in (f"was {old.outcome}", _detail(old)) if part), 80)
