"""What came of the searches for the fewest bits, in a line each."""

from __future__ import annotations

from tvmq_diag.results.run import Run

from ..views import bits


def lines(run: Run) -> list[str]:
    """None where nothing was searched."""
    view = bits.view(run)
    if view is None:
        return []
    return [
        f"fewest bits{', ' + one.origin[0].lower() + one.origin[1:] if one.origin else ''}: "
        f"{one.summary}"
        for one in view.searches
    ]
