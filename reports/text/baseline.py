"""A check of a baseline as text."""

from __future__ import annotations

from tvmq_diag.comparison.baseline import Check


def lines(check: Check) -> list[str]:
    """A line for a promise that was kept; of a broken one also what is broken and what came."""
    head = f"{'✗' if check.broken else '✓'} {check.configuration}"
    if not check.broken:
        return [head]
    return [head, *(f"  {text}" for text in check.broken), f"  now: {check.headline}"]
