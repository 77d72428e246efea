"""The page of a version matrix: one model's configurations on several TVMs, side by side."""

from __future__ import annotations

from pathlib import Path

from tvmq_diag import foreign
from tvmq_diag.results.version_matrix import PAGE, Versions
from tvmq_diag.trace.stages import RELAX

from ..formatting import TIMES, clip, labelled
from ..templating import environment
from ..views.version_matrix import cell, differences, float_entry, head, summary

_LABELS = {
    "command": "command line",
    "model": "model",
    "input_shape": "input shape",
    "created": "created",
    "tool_version": "tvmq_diag",
}
"""What the facts are called on the page, in their order."""


def write(matrix: Versions, directory: Path) -> Path:
    """Write `index.html` into the folder; returns it."""
    page = directory / PAGE
    foreign.write(page, render(matrix))
    return page


def render(matrix: Versions) -> str:
    """The page as HTML."""
    return (
        environment()
        .get_template("versions.html.j2")
        .render(
            times=TIMES,
            model=clip(matrix.facts.model or "a model", 120),
            created=clip(matrix.facts.created or "", 40),
            summary=summary(matrix),
            differences=differences(matrix),
            complete=matrix.complete,
            done=matrix.done,
            total=len(matrix.configurations) * len(matrix.columns),
            heads=[head(column) for column in matrix.columns],
            rows=[
                (name, [cell(c, name) for c in matrix.columns]) for name in matrix.configurations
            ],
            floats=[float_entry(column) for column in matrix.columns],
            relax=any(column.dialect == RELAX for column in matrix.columns),
            problems=[(c.short, c.problem) for c in matrix.columns if c.problem],
            facts=labelled(matrix.facts, _LABELS),
        )
    )
