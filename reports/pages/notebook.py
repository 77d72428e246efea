"""Pieces of a page as a notebook shows them: the cards, a dtype timeline, a step of a compile."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tvmq_diag.history.story import Story
from tvmq_diag.results.run import Result
from tvmq_diag.trace.trace import Trace

from ..formatting import FAMILY_MARKS, FAMILY_NAMES, ROLES, in_order
from ..templating import environment
from ..views import step_listing
from ..views import timeline as timeline_view
from ..views.card import Card, quantized_dtypes

ROWS = 150
"""Ops of a timeline at most."""


def fragment(results: Iterable[Result]) -> str:
    """A piece of HTML with a card for each result, the first one open.

    It brings its style, which touches nothing else on the page, and follows the notebook's light or
    dark theme, where it has one of the themes of Jupyter, VS Code or Colab, and else the system's.
    """
    cards = [Card(result, _dtypes(result)) for result in in_order(results)]
    return _rendered("notebook.html.j2", cards=cards, roles=ROLES)


def timeline(trace: Trace) -> str:
    """A piece of HTML with a trace's dtype timeline, styled as `fragment` is.

    Of more than ROWS ops those that change come before others; a sentence says how many are left
    out.
    """
    view = timeline_view.timeline(trace)
    telling = sorted(range(len(view.rows)), key=lambda place: not view.rows[place].changed)
    rows = [view.rows[place] for place in sorted(telling[:ROWS])]
    families = {cell.family for row in rows for cell in row.cells if cell.state != "missing"}
    legend = [(f, FAMILY_MARKS[f], name) for f, name in FAMILY_NAMES.items() if f in families]
    return _rendered("notebook_timeline.html.j2", view=view, rows=rows, legend=legend)


def step(story: Story, number: int) -> str:
    """A piece of HTML with what a step of a compile did to the ops, styled as `fragment` is."""
    return _rendered("notebook_step.html.j2", step=step_listing.listing(story, number))


def _rendered(template: str, **values: Any) -> str:
    return environment().get_template(template).render(**values)


def _dtypes(result: Result) -> str | None:
    return quantized_dtypes(result.trace) if result.trace is not None else None
