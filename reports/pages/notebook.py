"""Verdicts as a notebook shows them: the cards of the page, without the page."""

from __future__ import annotations

from collections.abc import Iterable

from tvmq_diag.results.run import Result

from ..formatting import ROLES, in_order
from ..templating import environment
from ..views.card import Card, quantized_dtypes


def fragment(results: Iterable[Result]) -> str:
    """A piece of HTML with a card for each result, the first one open.

    It brings its style, which touches nothing else on the page, and follows the notebook's light or
    dark theme, where it has one of the themes of Jupyter, VS Code or Colab, and else the system's.
    """
    cards = [Card(result, _dtypes(result)) for result in in_order(results)]
    return environment().get_template("notebook.html.j2").render(cards=cards, roles=ROLES)


def _dtypes(result: Result) -> str | None:
    return quantized_dtypes(result.trace) if result.trace is not None else None
