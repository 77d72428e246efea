"""What is shown of several runs: a line for each configuration, a cell for each run."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tvmq_diag.comparison.across import Across, Cell, Column
from tvmq_diag.comparison.outcome_diff import SAME

from ..formatting import DASH, TIMES, arrows, clip, number, outcome_class, outcome_mark, percent

PAGE = "index.html"


@dataclass(frozen=True)
class CellView:
    """A configuration in a run. `figures` are texts such as `cosine 0.994`; `changed` says what is
    not as in the run before, empty where nothing is; `worse` whether that is for the worse."""

    outcome: str
    mark: str
    look: str
    where: str
    figures: list[str]
    changed: str
    worse: bool


@dataclass(frozen=True)
class ColumnView:
    """A run. `page` is its own as a link from the folder of this one's, None where it has none;
    `command` compares it with the run before, of which `difference` is what comes out."""

    name: str
    page: str | None
    created: str
    about: str
    command: str = ""
    difference: str = ""
    worse: bool = False


def cell(cell: Cell) -> CellView:
    """What is shown of a configuration in a run."""
    changed, worse = _changed(cell)
    if cell.result is None:
        return CellView("not tried", DASH, "odd", "", [], changed, worse)
    verdict = cell.result.verdict
    op = f"{verdict.op.name} #{verdict.op.index}" if verdict.op else ""
    return CellView(
        verdict.outcome,
        outcome_mark(verdict.outcome),
        outcome_class(verdict.outcome),
        clip(" at ".join(part for part in (verdict.pass_name or "", op) if part), 80),
        list(_figures(cell)),
        changed,
        worse,
    )


def columns(across: Across, folder: Path | None = None) -> list[ColumnView]:
    """The runs; their pages as seen from a folder."""
    views = []
    for place, column in enumerate(across.columns):
        more: tuple[str, str, bool] = ("", "", False)
        if place:
            comparison = across.comparisons[place - 1]
            before = across.columns[place - 1].folder
            more = (
                shlex.join(["tvmq-diag", "compare", str(before), str(column.folder)]),
                arrows(comparison.headline),
                bool(comparison.regressions()),
            )
        about = " · ".join(part for part in (column.model, column.toolchain) if part)
        name, created = column.folder.name, column.created[:16].replace("T", " ")
        shown = clip(name, 80), _page(column, folder), clip(created, 40), clip(about, 80)
        views.append(ColumnView(*shown, *more))
    return views


def _page(column: Column, folder: Path | None) -> str | None:
    if folder is None or not (column.folder / PAGE).is_file():
        return None
    return Path(os.path.relpath(column.folder.resolve() / PAGE, folder.resolve())).as_posix()


def _figures(cell: Cell) -> Iterator[str]:
    if cell.result is None:
        return
    metrics, ratio = cell.result.verdict.metrics, cell.result.verdict.ratio
    if ratio is not None:
        yield f"{ratio.value:.2f}{TIMES} float [{ratio.low:.2f}, {ratio.high:.2f}]"
    if metrics is not None:
        yield from (
            f"{name} {number(value, digits)}{unit}"
            for name, value, digits, unit in (
                ("cosine", metrics.cosine, 4, ""),
                ("SQNR", metrics.sqnr_db, 1, " dB"),
            )
            if value is not None
        )
        same = metrics.agreement.share if metrics.agreement is not None else metrics.top1_agree
        if same is not None:
            yield f"same as float {percent(same)}"


def _changed(cell: Cell) -> tuple[str, bool]:
    delta = cell.delta
    if delta is None or not delta.different:
        return "", False
    if delta.regressions:
        return f"worse: {', '.join(delta.regressions)}", True
    said = [] if delta.outcome == SAME else [delta.outcome]
    said += [f"{clip(delta.first.name, 60)} differs"] if delta.first is not None else []
    said += [f"{figure.name} differs" for figure in delta.figures]
    return "; ".join(said) or ("set otherwise" if delta.settings else "differs"), False
