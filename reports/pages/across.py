"""The page of several runs: a table of what came of each configuration in each of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tvmq_diag import foreign
from tvmq_diag.comparison.across import Across

from ..formatting import arrows, clip
from ..templating import environment
from ..views import across as view

_LABELS = {"command": "command line", "tool_version": "tvmq_diag"}


def write(across: Across, facts: dict[str, Any], directory: Path) -> Path:
    """Write `index.html` into the folder; returns it. `facts`: command, created, tool_version."""
    worse = across.regressions()
    page = directory / view.PAGE
    html = (
        environment()
        .get_template("across.html.j2")
        .render(
            headline=arrows(across.headline),
            look="bad" if worse else "odd" if across.different else "good",
            mark="✗" if worse else "≠" if across.different else "✓",
            worse=[arrows(line) for line in worse],
            columns=view.columns(across, directory),
            rows=[
                (arrows(name), list(map(view.cell, cells))) for name, cells in across.rows.items()
            ],
            facts=[(_LABELS.get(name, name), clip(value, 400)) for name, value in facts.items()],
            created=clip(facts.get("created") or "", 40),
        )
    )
    foreign.write(page, html)
    return page
