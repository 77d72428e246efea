"""From float to quantized, part by part, as SVG for a page: an inline `<svg>`, or None where there
is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..formatting import latency, signed
from . import plot
from .charts import heading, rows
from .plot import inline, styled


@dataclass(frozen=True)
class Bar:
    """A part: by how many milliseconds it takes more than in float, and its kernels in words."""

    name: str
    difference: float
    told: str


_ROW, _THICK = 42.0, 15.0


@styled()
def waterfall(floats: float, bars: Sequence[Bar], name: str, prefix: str, title: str) -> str | None:
    """`floats`: milliseconds of the float model; each bar begins where the last ended, the last row
    is what they come to, the model called `name`."""
    total = floats + sum(bar.difference for bar in bars)
    if floats <= 0 or total <= 0:
        return None
    levels = [floats]
    for bar in bars:
        levels.append(levels[-1] + bar.difference)
    axes = rows(
        _ROW * (len(bars) + 2), (0.0, 1.02 * max(levels)), "milliseconds, summed over the kernels"
    )
    tips: plot.Tips = {"float": f"float32: {latency(floats)}", "total": f"{name}: {latency(total)}"}
    heading(axes, 0, "float32", latency(floats))
    axes.barh(30, floats, _THICK, color=plot.FLOAT, gid="float")
    for number, bar in enumerate(bars):
        top, begin, end = _ROW * (number + 1), levels[number], levels[number + 1]
        heading(axes, top, bar.name, f"{signed(bar.difference)} · {bar.told}")
        colour = plot.SECOND if bar.difference > 0 else plot.ASKED
        gid = f"part{number}"
        axes.barh(top + 30, abs(bar.difference), _THICK, min(begin, end), color=colour, gid=gid)
        axes.plot([begin, begin], [top - _ROW + 30, top + 30], color=plot.MUTED, linewidth=1)
        tips[gid] = f"{bar.name}: {signed(bar.difference)}, {bar.told}"
    last = _ROW * (len(bars) + 1)
    axes.plot([total, total], [last - _ROW + 30, last + 30], color=plot.MUTED, linewidth=1)
    heading(axes, last, name, latency(total))
    axes.barh(last + 30, total, _THICK, color=plot.REFERENCE, gid="total")
    return inline(axes, prefix, title, tips)
