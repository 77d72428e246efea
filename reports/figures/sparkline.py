"""A small curve that stands in a line of text: how a figure went from run to run."""

from __future__ import annotations

from html import escape
from itertools import groupby

WIDTH, HEIGHT, MARGIN = 96, 22, 3


def draw(values: list[float | None], label: str) -> str:
    """An inline `<svg>` of the values, as far as they are known, the newest with a dot.

    `label` says the same in words. At least one value must be known.
    """
    known = [value for value in values if value is not None]
    low, span = min(known), max(known) - min(known)
    step = (WIDTH - 2 * MARGIN) / max(len(values) - 1, 1)

    def place(number: int, value: float) -> tuple[float, float]:
        share = (value - low) / span if span > 0 else 0.5
        return MARGIN + number * step, HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)

    points = [
        None if value is None else place(number, value) for number, value in enumerate(values)
    ]
    pieces = []
    for there, run in groupby(points, key=lambda point: point is not None):
        if there:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in filter(None, run))
            pieces.append(f'<polyline points="{path}"/>')
    x, y = [point for point in points if point is not None][-1]
    return (
        f'<svg class="sparkline" role="img" aria-label="{escape(label)}" width="{WIDTH}" '
        f'height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"><title>{escape(label)}</title>'
        f'{"".join(pieces)}<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/></svg>'
    )
