"""Bits against accuracy, as SVG for a page: an inline `<svg>`, or None where there is nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import plot
from .plot import inline, sheet, styled


@dataclass(frozen=True)
class BitPoint:
    """`bits` a value of the weights, the cosine of the worst input, and what it is called."""

    bits: float
    cosine: float
    name: str


_LINES = (
    ("s-", plot.MUTED, plot.GROUND),
    ("o-", plot.ASKED, plot.ASKED),
    ("D:", plot.SECOND, plot.GROUND),
)
"""Shape, colour and filling of the series, in their order."""

_LEAST = 0.4
"""Of a cosine below this it does not matter how far below it is."""


@styled()
def accuracy(
    series: Mapping[str, Sequence[BitPoint]], bound: float, prefix: str, title: str
) -> str | None:
    """A line for each way to give bits; `bound` is the cosine from which on a result is right."""
    points = [point for line in series.values() for point in line if math.isfinite(point.cosine)]
    if len(points) < 2:
        return None
    low = max(_LEAST, min(bound, *(point.cosine for point in points)))
    axes = sheet(560, 340, 56, 20, 76, 48)
    room = 0.06 * (1 - low) or 0.01
    axes.set_ylim(low - room, 1 + room)
    bits = [point.bits for point in points]
    axes.set_xlim(min(bits) - 0.3, max(bits) + 0.3)
    plot.grid(axes, "both")
    plot.whole_numbers(axes)
    axes.set_ylabel("cosine of the worst input", color=plot.MUTED)
    axes.set_xlabel("bits a weight, on average: less is better", color=plot.MUTED)
    axes.axhline(bound, color=plot.MUTED, linewidth=1, linestyle=(0, (4, 2)))
    above = axes.get_yaxis_transform()
    # On the right: there most points are far above.
    style = {"ha": "right", "va": "bottom", "color": plot.MUTED}
    axes.text(0.99, bound, "↑ right", transform=above, **style)
    tips: plot.Tips = {}
    for number, ((name, line), look) in enumerate(zip(series.items(), _LINES, strict=False)):
        drawn = sorted((p for p in line if math.isfinite(p.cosine)), key=lambda p: p.bits)
        shape, colour, inside = look
        axes.plot(
            [p.bits for p in drawn],
            [max(p.cosine, low) for p in drawn],
            shape,
            color=colour,
            markerfacecolor=inside,
            markersize=7,
            linewidth=1.4,
            clip_on=False,
            label=name,
            gid=f"bits{number}",
        )
        tips[f"bits{number}"] = [f"{p.name}: {p.bits:.2g} bits, {p.cosine:.3f}" for p in drawn]
    plot.legend(axes, "lower left", (0, 1.02), handlelength=3)
    return inline(axes, prefix, title, tips)
