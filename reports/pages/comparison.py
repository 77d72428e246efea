"""The page of a comparison: what is worse first, then the first difference side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tvmq_diag import foreign
from tvmq_diag.comparison.run_diff import Comparison

from ..formatting import arrows, clip
from ..templating import BESIDE, environment
from ..views import pairs
from ..views.comparison import ConfigurationView, view
from ..views.module_texts import Texts
from ..views.section import DAMAGED
from ..views.steps import Steps

_LABELS = {"command": "command line", "tool_version": "tvmq_diag"}


def write(comparison: Comparison, facts: dict[str, Any], directory: Path) -> Path:
    """Write `index.html` into the folder; returns it.

    `facts`: command, created, tool_version, before, now (the two folders).
    """
    views = [view(delta, f"c{i}") for i, delta in enumerate(comparison.configurations)]
    # What differs first, and of that what is worse.
    views.sort(key=lambda one: (not one.delta.regressions, not one.delta.different))
    template = environment().get_template("compare.html.j2")
    worse = comparison.regressions()
    steps, texts = _steps(views, directory)
    page = directory / "index.html"
    html = template.render(
        headline=arrows(comparison.headline[:1].upper() + comparison.headline[1:]),
        look="bad" if worse else "odd" if comparison.different else "good",
        mark="✗" if worse else "≠" if comparison.different else "✓",
        worse=[arrows(line) for line in worse],
        views=views,
        facts=[(_LABELS.get(name, name), clip(value, 400)) for name, value in facts.items()],
        sides=[clip(facts.get(side, side), 80) for side in ("before", "now")],
        requests=[arrows(fact) for fact in comparison.facts],
        created=clip(facts.get("created") or "", 40),
        more=BESIDE if steps.beside else (),
        beside=bool(steps.beside),
        steps=steps.text() if steps.beside else "",
        texts=texts.text(),
    )
    foreign.write(page, html)
    return page


def _steps(views: list[ConfigurationView], directory: Path) -> tuple[Steps, Texts]:
    """The compiles that differ, for the viewer. What cannot be shown is among a view's notes."""
    texts = Texts(directory)
    steps = Steps(texts=texts)
    for one in views:
        old, new = one.delta.old, one.delta.new
        if one.first is None or old is None or new is None:
            continue
        try:
            pairs.add(steps, one.delta.name, one.key, old, new)
        except DAMAGED as error:
            one.notes.append(f"the steps cannot be shown: {type(error).__name__}: {error}")
    return steps, texts
