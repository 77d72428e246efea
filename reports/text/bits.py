"""What came of the searches for the fewest bits, in a line each."""

from __future__ import annotations

from tvmq_diag.results.run import Run

from ..views import bits


def lines(run: Run) -> list[str]:
    """Empty where nothing was searched."""
    return [
        f"fewest bits{f', {origin[0].lower()}{origin[1:]}' if origin else ''}: {summary}"
        for origin, summary in bits.summaries(run)
    ]
