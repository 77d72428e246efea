"""What compiled models came to beside the float model, as SVG: accuracy, bytes and time in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import plot
from .charts import heading, rows
from .plot import inline, styled


@dataclass(frozen=True)
class Beside:
    """A compiled model, each figure as a share of float's; None: not measured. `cosine` is that to
    float's outputs, `time` has its interval (low, high), `told` is the figures in words."""

    name: str
    cosine: float | None
    size: float | None
    time: float | None
    interval: tuple[float, float] | None
    told: str


_MARKS = (
    ("cosine", "o", plot.ASKED, plot.ASKED, "cosine: more is better"),
    ("size", "s", plot.SECOND, plot.GROUND, "bytes of weights: less is better"),
    ("time", "D", plot.MUTED, plot.MUTED, "time: less is better"),
)
"""Figure, shape, colour, filling, and what the legend says of it."""

_ROW, _LEGEND = 46.0, 30.0
_MOST = 4.0
"""What is further from float is drawn at the end of the axis, and told in words."""


@styled()
def beside_float(models: Sequence[Beside], prefix: str, title: str) -> str | None:
    """A row for each model, a mark for each figure; the line at 1 is the float model. None where
    there is nothing to draw."""
    shown = [m for m in models if any(_at(m, name) is not None for name, *_ in _MARKS)]
    if not shown:
        return None
    largest = max(at for m in shown for name, *_ in _MARKS if (at := _at(m, name)) is not None)
    limit = min(max(1.1, 1.05 * largest), _MOST)
    axes = rows(_LEGEND + _ROW * len(shown), (0.0, limit), "as a share of the float model's")
    axes.axvline(1.0, color=plot.INK, linewidth=1.5)
    tips: plot.Tips = {}
    for name, shape, colour, inside, meaning in _MARKS:
        placed = [(m, _LEGEND + i * _ROW + 30, at) for i, m in enumerate(shown)
                  if (at := _at(m, name)) is not None]  # fmt: skip
        if name == "time":
            for model, y, _ in placed:
                ends = [min(end, limit) for end in model.interval or ()]
                axes.plot(ends, [y] * len(ends), color=colour, linewidth=2)
        axes.plot(
            [min(at, limit) for _, _, at in placed],
            [y for _, y, _ in placed],
            shape,
            color=colour,
            markerfacecolor=inside,
            markersize=8,
            clip_on=False,
            label=meaning,
            gid=f"beside-{name}",
        )
        tips[f"beside-{name}"] = [f"{m.name}: {meaning.split(':')[0]} {at:.3g} of float's"
                                  for m, _, at in placed]  # fmt: skip
    for i, model in enumerate(shown):
        heading(axes, _LEGEND + i * _ROW, model.name, model.told)
    plot.legend(axes, "upper left", (0, 1), ncols=3, handletextpad=0.1, columnspacing=1.2)
    return inline(axes, prefix, title, tips)


def _at(model: Beside, name: str) -> float | None:
    value: float | None = getattr(model, name)
    return value
