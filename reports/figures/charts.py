"""Charts of times as SVG for a page.

Each function returns an inline `<svg>` whose ids begin with `prefix`, or None where there is
nothing to draw. Nothing is told by colour alone: rows have their names above them, parts of a bar
a number. The same numbers make the same text.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..formatting import clip, latency
from . import plot
from .plot import CHARACTER, inline, sheet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 560.0
"""Of a chart: two stand side by side on a screen, and one is legible on a telephone."""

COLOURS = {
    "float": plot.FLOAT,
    "again": plot.AGAIN,
    "asked": plot.ASKED,
    "reference": plot.REFERENCE,
    "eager": plot.EAGER,
}
"""By the look of a side."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 10.0, 16.0, 4.0, 44.0

_DOTS = 100
"""Rounds of a side that are drawn; of more, the fastest and slowest of each stretch."""


@dataclass(frozen=True)
class Side:
    """Something timed: milliseconds by round.

    `look` is a key of COLOURS; `ratio` is that to float in figures, empty where there is none.
    """

    label: str
    look: str
    times: Sequence[float]
    ratio: str = ""


@styled()
def bars(sides: Sequence[Side], prefix: str, title: str = "Time of one inference") -> str | None:
    """A bar to each side's median, a line from its fastest to its slowest round."""
    shown = _timed(sides)
    if not shown:
        return None
    row, limit = 46.0, _limit(shown)
    axes = rows(row * len(shown), (0.0, limit), "milliseconds of one inference: less is better")
    tips: plot.Tips = {}
    for i, side in enumerate(shown):
        middle, low, high = statistics.median(side.times), min(side.times), max(side.times)
        figures = [latency(middle), *([side.ratio] if side.ratio else [])]
        figures += _beyond(side.times, limit)
        heading(axes, i * row, side.label, " · ".join(figures))
        y = i * row + 30
        axes.barh(y, middle, 15, color=COLOURS[side.look], gid=f"side{i}")
        _whisker(axes, y, low, high, limit)
        tips[f"side{i}"] = f"{latency(low)} to {latency(high)}"
    return inline(axes, prefix, _summary(title, shown), tips)


@styled()
def distribution(
    sides: Sequence[Side], prefix: str, title: str = "All rounds, one by one"
) -> str | None:
    """Each round of each side as a dot, the first on top: spread, outliers and drift."""
    shown = _timed(sides)
    if not shown:
        return None
    row, deep, limit = 76.0, 44.0, _limit(shown)
    lowest = min(min(side.times) for side in shown)
    room = 0.03 * (limit - lowest) or 0.05 * limit
    axes = rows(
        row * len(shown), (max(lowest - room, 0.0), limit + room), "milliseconds of one inference"
    )
    tips: plot.Tips = {}
    for i, side in enumerate(shown):
        count, top = len(side.times), i * row + 26
        middle = statistics.median(side.times)
        rounds = "round" if count == 1 else "rounds"
        figures = [f"{count:,} {rounds}, median {latency(middle)}", *_beyond(side.times, limit)]
        heading(axes, i * row, side.label, " · ".join(figures))
        dots = [at for at in plot.thin(side.times, _DOTS) if side.times[at] <= limit]
        axes.plot(
            [side.times[at] for at in dots],
            [top + deep * (at + 0.5) / count for at in dots],
            plot.MARKERS[side.look],
            color=COLOURS[side.look],
            markersize=5,
            alpha=0.75,
            markeredgewidth=0,
            clip_on=False,
            gid=f"side{i}",
        )
        tips[f"side{i}"] = [f"round {at + 1}: {latency(side.times[at])}" for at in dots]
        axes.plot([middle, middle], [top - 2, top + deep + 2], color=plot.INK, linewidth=2)
    return inline(axes, prefix, _summary(title, shown), tips)


@styled()
def by_kind(
    sides: Mapping[str, Mapping[str, float]],
    kinds: Sequence[str],
    prefix: str,
    title: str = "Time by kind of kernel",
) -> str | None:
    """A bar for each side, stacked from the milliseconds of each kind, numbered as in `kinds`."""
    parts = {
        side: [(k, ms) for k, kind in enumerate(kinds) if _some(ms := by_kind.get(kind, 0.0))]
        for side, by_kind in sides.items()
    }
    totals = {side: math.fsum(ms for _, ms in drawn) for side, drawn in parts.items() if drawn}
    if not totals:
        return None
    occurring = sorted({k for drawn in parts.values() for k, _ in drawn})
    legend, row, limit = 24.0 * math.ceil(len(occurring) / 2) + 10, 58.0, max(totals.values())
    height = legend + row * len(totals)
    axes = rows(height, (0.0, limit), "milliseconds, summed over the kernels: less is better")
    for place, k in enumerate(occurring):
        _swatch(axes, place % 2 / 2, 24.0 * (place // 2), k, kinds[k])
    tips: plot.Tips = {}
    for i, (side, total) in enumerate(totals.items()):
        y, x = legend + i * row, 0.0
        heading(axes, y, side, latency(total))
        for k, ms in parts[side]:
            gid = f"part{i}-{k}"
            axes.barh(y + 35, ms, 26, x, color=_fill(k), edgecolor=plot.MUTED, gid=gid)
            _number(axes, (x + ms / 2, y + 35), ms / limit * (WIDTH - _LEFT - _RIGHT), k, kinds[k])
            tips[gid] = f"{kinds[k]}: {latency(ms)}, {ms / total:.1%}"
            x += ms
    return inline(axes, prefix, f"{title}: {'; '.join(totals)}", tips)


def _some(ms: float) -> bool:
    return math.isfinite(ms) and ms > 0


def _timed(sides: Sequence[Side]) -> list[Side]:
    """The sides that were, with their rounds that were."""
    kept = [
        Side(side.label, side.look, [ms for ms in side.times if _some(ms)], side.ratio)
        for side in sides
    ]
    return [side for side in kept if side.times]


def _limit(sides: Sequence[Side]) -> float:
    """Where the axis ends. One slow round of a busy machine must not flatten all the rest."""
    slowest = max(max(side.times) for side in sides)
    return min(slowest, 1.4 * max(statistics.median(side.times) for side in sides))


def _summary(title: str, sides: Sequence[Side]) -> str:
    medians = (f"{clip(s.label, 60)} {latency(statistics.median(s.times))}" for s in sides)
    return f"{title}: {'; '.join(medians)}"


def rows(height: float, span: tuple[float, float], label: str) -> Axes:
    """An empty chart whose vertical unit is a pixel, downwards."""
    axes = sheet(WIDTH, height + _TOP + _BOTTOM, _LEFT, _RIGHT, _TOP, _BOTTOM)
    axes.set_ylim(height, 0)
    axes.set_xlim(*span)
    axes.set_yticks([])
    plot.grid(axes, "x")
    axes.set_xlabel(label, color=plot.MUTED)
    return axes


def heading(axes: Axes, top: float, label: str, figures: str) -> None:
    """A row's name on the left, its figures on the right."""
    across = axes.get_yaxis_transform()
    figures = clip(figures, 70)
    room = int((WIDTH - _LEFT - _RIGHT) / CHARACTER) - len(figures) - 4
    name = clip(label, max(room, 12))
    axes.text(0, top + 15, name, transform=across, color=plot.INK, weight="bold")
    axes.text(1, top + 15, figures, transform=across, color=plot.INK, ha="right")


def _whisker(axes: Axes, y: float, low: float, high: float, limit: float) -> None:
    ends = [x for x in (low, high) if x <= limit]
    # Once wider in the colour of the ground: it is to be seen on the bar and beside it.
    for colour, wide in ((plot.GROUND, 4.5), (plot.INK, 1.5)):
        for xs, ys in (
            ((low, min(high, limit)), (y, y)),
            *(((x, x), (y - 5, y + 5)) for x in ends),
        ):
            axes.plot(xs, ys, color=colour, linewidth=wide, clip_on=False)


def _beyond(times: Sequence[float], limit: float) -> list[str]:
    """Says which rounds lie beyond the end of the axis; nothing where none does."""
    slow = [ms for ms in times if ms > limit]
    if not slow:
        return []
    return [f"{len(slow)} slower, up to {latency(max(slow))} ▸"]


def _fill(kind: int) -> str:
    return plot.FILLS[kind % len(plot.FILLS)]


def _swatch(axes: Axes, x: float, y: float, kind: int, name: str) -> None:
    across = axes.get_yaxis_transform()
    style = {"color": _fill(kind), "edgecolor": plot.MUTED, "transform": across}
    axes.barh(y + 10, 24 / (WIDTH - _LEFT - _RIGHT), 18, x, **style)
    at = x + 12 / (WIDTH - _LEFT - _RIGHT)
    middle = {"va": "center_baseline", "transform": across, "color": plot.INK}
    axes.text(at, y + 10, str(kind + 1), ha="center", gid=f"{plot.ON_FILL}{kind}", **middle)
    axes.text(at + 20 / (WIDTH - _LEFT - _RIGHT), y + 10, clip(name, 28), **middle)


def _number(axes: Axes, at: tuple[float, float], room: float, kind: int, name: str) -> None:
    """The kind's number in its part of a bar, with its name where there is room."""
    for text in (f"{kind + 1} {name}", str(kind + 1)):
        if len(text) * CHARACTER + 8 <= room:
            style = {"va": "center_baseline", "color": plot.INK, "gid": f"{plot.ON_FILL}{at}"}
            axes.text(*at, text, ha="center", **style)
            return
