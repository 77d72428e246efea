"""Charts of error as SVG for a page: along the model, and against time.

As in reports.figures.charts, a chart is an inline `<svg>` or None where there is nothing to draw.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..formatting import TIMES, clip
from . import plot
from .plot import (
    CHARACTER,
    TEXT,
    inline,
    sheet,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 200
"""Ops of a line that are drawn; of more, the lowest and highest of each stretch."""

_LINES = (("o-", plot.ASKED, plot.ASKED), ("s", plot.SECOND, plot.GROUND))
"""Shape, colour and filling of the two series: an error that is handed on from op to op is a line,
and that of each op alone is points, as none has to do with the next."""

_WIDE = 8.0
"""Ratios that lie further apart than this are drawn on a logarithmic axis."""


@dataclass(frozen=True)
class Point:
    """A configuration that ran: its time as a ratio to float's, and its SQNR in dB."""

    name: str
    ratio: float
    sqnr_db: float


@styled()
def errors(
    series: Mapping[str, Sequence[float | None]],
    labels: Sequence[str],
    prefix: str,
    title: str = "Error along the model",
    marked: int | None = None,
) -> str | None:
    """SQNR in dB by op in running order: the first series a line, the second points.

    None is a gap; infinity, no error at all, is drawn on a line on top. `labels` name the ops;
    `marked` is the place of the op to point out.
    """
    lines = {name: [_decibels(v) for v in values] for name, values in series.items()}
    lines = {name: v for name, v in lines.items() if not all(map(math.isnan, v))}
    if not lines:
        return None
    levels = [v for values in lines.values() for v in values if not math.isnan(v)]
    low, high, top = _levels(levels)
    count = max(map(len, lines.values()))
    axes = sheet(900, 340, 56, 16, 56, 48)
    axes.set_ylim(low, top + 0.04 * (top - low))
    axes.set_xlim(-0.015 * count - 0.5, 1.015 * count - 0.5)
    plot.grid(axes, "y")
    plot.whole_numbers(axes)
    axes.set_ylabel("SQNR, dB: more is better", color=plot.MUTED)
    axes.set_xlabel("ops of the model in running order", color=plot.MUTED)
    if math.inf in levels:
        _exact_line(axes, top, high)
    tips: plot.Tips = {}
    for i, (name, values) in enumerate(lines.items()):
        places, (shape, colour, inside) = plot.thin(values, _POINTS), _LINES[i % 2]
        axes.plot(
            places,
            [min(values[at], top) for at in places],
            shape,
            color=colour,
            markerfacecolor=inside,
            markersize=5,
            linewidth=1.4,
            clip_on=False,
            label=f"\N{ZERO WIDTH SPACE}{clip(name, 50)}",  # a leading _ would hide it
            gid=f"line{i}",
        )
        drawn = (at for at in places if not math.isnan(values[at]))
        tips[f"line{i}"] = [f"{_of(labels, at)}: {_in_words(values[at])}" for at in drawn]
    plot.legend(axes, "lower left", (0, 1.09), ncols=2, handlelength=3)
    if marked is not None and 0 <= marked < count:
        _mark(axes, marked, _of(labels, marked), marked < count / 2)
    return inline(axes, prefix, f"{title}: {', '.join(lines)}", tips)


def front(points: Sequence[Point]) -> list[int]:
    """The points that no other beats in both time and error: their places, the fastest first."""
    best = -math.inf
    places: list[int] = []
    order = sorted(range(len(points)), key=lambda i: (points[i].ratio, -points[i].sqnr_db))
    for i in order:
        twin = places and points[i] == Point(
            points[i].name, points[places[-1]].ratio, points[places[-1]].sqnr_db
        )
        if points[i].sqnr_db > best or twin:
            best = points[i].sqnr_db
            places.append(i)
    return places


@styled()
def pareto(points: Sequence[Point], prefix: str, title: str = "Speed against error") -> str | None:
    """A point to each configuration; those that no other beats in both are filled and joined."""
    shown = [Point(p.name, p.ratio, _decibels(p.sqnr_db)) for p in points]
    shown = [p for p in shown if 1e-9 < p.ratio < 1e9 and not math.isnan(p.sqnr_db)]
    if not shown:
        return None
    low, high, top = _levels([p.sqnr_db for p in shown])
    axes = sheet(560, 400, 56, 20, 10, 48)
    _ratio_axis(axes, [p.ratio for p in shown])
    axes.set_ylim(low, top + 0.08 * (top - low))
    plot.grid(axes, "both")
    axes.set_ylabel("SQNR, dB: more is better", color=plot.MUTED)
    axes.set_xlabel(f"time, {TIMES} float: less is better", color=plot.MUTED)
    axes.axvline(1, color=plot.MUTED, linewidth=1, linestyle=(0, (4, 2)))
    if any(p.sqnr_db == math.inf for p in shown):
        _exact_line(axes, top, high)
    best = front(shown)
    at = [(p.ratio, min(p.sqnr_db, top)) for p in shown]
    axes.plot(*zip(*(at[i] for i in best), strict=True), "-", color=plot.ASKED, linewidth=1.4)
    tips: plot.Tips = {}
    for i, point in enumerate(shown):
        chosen = i in best
        inside = plot.ASKED if chosen else plot.GROUND
        style = {"markersize": 8 if chosen else 7, "clip_on": False, "gid": f"point{i}"}
        colour = plot.ASKED if chosen else plot.MUTED
        axes.plot(*at[i], "o" if chosen else "s", color=colour, markerfacecolor=inside, **style)
        tips[f"point{i}"] = (
            f"{point.name}: {point.ratio:.3g}{TIMES} float, {_in_words(point.sqnr_db)}"
        )
    _names(axes, [p.name for p in shown], at, best)
    names = ", ".join(clip(shown[i].name, 40) for i in best)
    return inline(axes, prefix, f"{title}; no other beats {names}", tips)


def _decibels(value: float | None) -> float:
    """NaN for what says nothing; no float64 lies beyond ten thousand dB."""
    if value is None or value == -math.inf:
        return math.nan
    return value if math.isnan(value) or value == math.inf else max(min(value, 1e4), -1e4)


def _in_words(sqnr_db: float) -> str:
    return "no error at all" if sqnr_db == math.inf else f"{sqnr_db:.1f} dB"


def _of(labels: Sequence[str], place: int) -> str:
    return labels[place] if place < len(labels) else f"op {place}"


def _levels(values: Sequence[float]) -> tuple[float, float, float]:
    """Where the axis begins, the highest finite value, and where it ends, or infinity is drawn."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    room = 0.08 * (high - low) or 1.0
    return low - room, high, high + (2.5 * room if math.inf in values else room)


def _exact_line(axes: Axes, top: float, high: float) -> None:
    axes.axhline(top, color=plot.MUTED, linewidth=1, linestyle=":")
    axes.text(
        1,
        (top + high) / 2,
        "↑ no error at all",
        transform=axes.get_yaxis_transform(),
        ha="right",
        va="center_baseline",
        color=plot.MUTED,
        size=TEXT - 1,
    )


def _mark(axes: Axes, place: int, label: str, to_the_right: bool) -> None:
    axes.axvline(place, color=plot.BAD, linewidth=1.5, linestyle=(0, (4, 2)))
    name = clip(label, 60)
    axes.text(
        place,
        1.015,
        f"▾ {name}" if to_the_right else f"{name} ▾",
        transform=axes.get_xaxis_transform(),
        ha="left" if to_the_right else "right",
        color=plot.BAD,
        weight="bold",
    )


def _ratio_axis(axes: Axes, ratios: Sequence[float]) -> None:
    low, high = min(*ratios, 1.0), max(*ratios, 1.0)
    if high / low > _WIDE:
        axes.set_xscale("log")
        room = (high / low) ** 0.08
        axes.set_xlim(low / room, high * room)
        plot.plain_numbers(axes)
        return
    room = 0.08 * (high - low) or 0.05
    axes.set_xlim(low - room, high + room)


def _names(
    axes: Axes, names: Sequence[str], at: Sequence[tuple[float, float]], first: Sequence[int]
) -> None:
    """Each name beside its point where it covers no other; a tooltip has those that do not fit."""
    pixels = [tuple(map(float, axes.transData.transform(place))) for place in at]
    frame = axes.get_window_extent()
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in pixels]
    for i in (*first, *(i for i in range(len(names)) if i not in first)):
        name = clip(names[i], 40)
        wide, (x, y) = len(name) * CHARACTER, pixels[i]
        for dx, dy, side in _PLACES:
            start = x + dx - {"left": 0.0, "center": wide / 2, "right": wide}[side]
            box = (start, y + dy - 5, start + wide, y + dy + TEXT - 4)
            inside = frame.x0 <= box[0] and box[2] <= frame.x1 + 16 and box[1] >= frame.y0
            if inside and box[3] <= frame.y1 + 6 and not any(_overlap(box, b) for b in taken):
                taken.append(box)
                style = {"ha": side, "color": plot.INK, "size": TEXT - 1}
                axes.annotate(
                    name, at[i], (dx, dy), textcoords="offset pixels", va="center_baseline", **style
                )
                break


_PLACES = tuple(
    (dx, dy, side)
    for far in (0, 14, 28)
    for dx, dy, side in (
        (10, far, "left"),
        (10, -far, "left"),
        (-10, far, "right"),
        (-10, -far, "right"),
        (0, 14 + far, "center"),
        (0, -15 - far, "center"),
    )
)
"""Where a name may stand, seen from its point, the best first: pixels and alignment."""

Box = tuple[float, float, float, float]


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
