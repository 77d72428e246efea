"""The page of a zoo: models by configurations and TVMs, and what is not as in a baseline."""

from __future__ import annotations

from pathlib import Path

from tvmq_diag import foreign
from tvmq_diag.comparison.zoo_diff import WORSE, ZooDiff
from tvmq_diag.results.zoo import PAGE, Zoo

from ..formatting import clip, labelled
from ..templating import environment
from ..views import zoo as view

_LABELS = {
    "command": "command line",
    "scheduler": "Dask scheduler",
    "created": "created",
    "tool_version": "tvmq_diag",
}
"""What the facts are called on the page, in their order."""


def write(work: Zoo, diff: ZooDiff | None, directory: Path) -> Path:
    """Write `index.html` into the folder; returns it."""
    page = directory / PAGE
    foreign.write(page, render(work, diff))
    return page


def render(work: Zoo, diff: ZooDiff | None) -> str:
    """The page as HTML."""
    look, mark = _judgement(diff)
    facts = labelled(work.facts, _LABELS)
    options = clip(" ".join(work.facts.arguments), 1000)
    return (
        environment()
        .get_template("zoo.html.j2")
        .render(
            title=work.title,
            created=clip(work.created or "", 40),
            summary=clip(work.headline, 400),
            diff=diff,
            look=look,
            mark=mark,
            headline=clip(diff.headline, 200) if diff is not None else "",
            changes=view.changed(diff) if diff is not None else [],
            notes=[clip(note, 400) for note in diff.notes] if diff is not None else [],
            tvms=view.shown(work.tvms),
            columns=view.columns(work),
            rows=view.rows(work, diff),
            problems=[(tvm.name, tvm.problem) for tvm in work.tvms if tvm.problem],
            unjudged=[cell for cell in work.cells if cell.problem],
            facts=[*facts, *([("options of each cell", options)] if options else [])],
        )
    )


def _judgement(diff: ZooDiff | None) -> tuple[str, str]:
    """The look and the mark of what is not as in the baseline: nothing of good, while cells are
    still to be run."""
    if diff is None:
        return "", ""
    if diff.of_kind(WORSE):
        return "bad", "✗"
    if diff.changes:
        return "odd", "≠"
    return ("muted", "…") if diff.remaining else ("good", "✓")
