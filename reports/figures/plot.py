"""From a matplotlib figure to SVG that can stand inside a page, in light and in dark.

A figure is drawn in colours that stand for something; in the SVG they become the page's variables.
Lengths are those of the page: a figure of 560 is 560 pixels wide, until the window is narrower.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from ..formatting import clip

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, RULE, GROUND = "#010101", "#010102", "#010103", "#010104"
FLOAT, AGAIN, ASKED, REFERENCE, EAGER = "#010201", "#010202", "#010203", "#010204", "#010205"
SECOND, BAD = "#010206", "#010301"
FILLS = ("#010401", "#010402", "#010403", "#010404", "#010405", "#010406")

_MEANS = {
    INK: "currentColor",
    MUTED: "var(--c-muted)",
    RULE: "var(--c-rule)",
    GROUND: "var(--c-ground)",
    FLOAT: "var(--c-float)",
    AGAIN: "var(--c-again)",
    ASKED: "var(--c-asked)",
    REFERENCE: "var(--c-reference)",
    EAGER: "var(--c-eager)",
    SECOND: "var(--c-second)",
    BAD: "var(--c-bad)",
    **{colour: f"var(--c-fill{i})" for i, colour in enumerate(FILLS)},
}

MARKERS = {"float": "o", "again": "o", "asked": "s", "reference": "D", "eager": "^"}
"""The shape of a side's points, by its look."""

ON_FILL = "on-fill"
"""How the gid of a text begins that stands on a filled area: it needs no halo."""

TEXT, CHARACTER = 13.0, 7.4
"""Size of text, and about what a character of it takes in width, in pixels."""

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_COLOUR = re.compile(r"#0[0-9a-f]{5}\b")
# The page's business: its font, and that nothing needs to be cut off.
_FONT = re.compile(r"font-family:[^;]*;?\s*")
_NUMBER = re.compile(r"-?\d+\.\d{2,}")

# Text stays text; `$` in a model's names is no formula.
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tvmq_diag",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",  # the one that matplotlib brings along
    "font.size": TEXT,
    "path.simplify": False,
}


Tips = dict[str, str | list[str]]


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """The settings of matplotlib for a figure, from its first line to its SVG."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it talks of its caches
    # Here and not above: loading matplotlib takes longer than all the rest of a report.
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()  # not those of a matplotlibrc of somebody's
        matplotlib.rcParams.update(_STYLE)
        warnings.simplefilter("ignore")  # a letter that its own font lacks: the page's has it
        yield


def sheet(
    width: float, height: float, left: float, right: float, top: float, bottom: float
) -> Axes:
    """An empty chart without frame or ground, in pixels; the last four are its margins."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    figure.patch.set_visible(False)
    size = ((width - left - right) / width, (height - top - bottom) / height)
    axes = figure.add_axes((left / width, bottom / height, *size))
    axes.patch.set_visible(False)
    axes.spines[:].set_visible(False)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0, labelcolor=MUTED, labelsize=TEXT - 1)
    return axes


def grid(axes: Axes, along: Literal["x", "y", "both"]) -> None:
    """Draw thin lines at the ticks, few of them."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        if along in (name, "both"):
            if axis.get_scale() == "linear":
                axis.set_major_locator(MaxNLocator(6))
                axis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))
            axis.grid(True, color=RULE, linewidth=1)


def whole_numbers(axes: Axes) -> None:
    """Let the horizontal axis have ticks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))


def plain_numbers(axes: Axes) -> None:
    """Let a logarithmic horizontal axis say 0.5, 1, 2 and not powers of ten."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def legend(axes: Axes, corner: str, at: tuple[float, float], **style: float) -> None:
    """Say what the marks are, with a corner of that at a place of the axes, (0, 0) to (1, 1)."""
    axes.legend(
        loc=corner,
        bbox_to_anchor=at,
        frameon=False,
        borderaxespad=0,
        labelcolor=INK,
        **style,
    )


def thin(values: Sequence[float], most: int) -> list[int]:
    """Places of at most `most` values to draw: all, or of each stretch the lowest and highest."""
    if len(values) <= most:
        return list(range(len(values)))
    kept: set[int] = set()
    step = len(values) / (most // 2)
    for start in range(most // 2):
        stretch = range(int(start * step), int((start + 1) * step))
        numbers = [at for at in stretch if not math.isnan(values[at])] or [stretch[0]]
        kept |= {min(numbers, key=values.__getitem__), max(numbers, key=values.__getitem__)}
    return sorted(kept)


def inline(axes: Axes, prefix: str, title: str, tips: Tips | None = None) -> str:
    """The figure as an inline `<svg>`. Ids in it begin with `prefix`.

    `tips` are tooltips by the gid of what they belong to; several for several marks, in order.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    target = io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(target, format="svg", metadata=nothing)
    root = ET.fromstring(target.getvalue())
    _clean(root, prefix, tips or {})
    for name in ("height", "version"):
        root.attrib.pop(name, None)
    root.set("width", f"{figure.get_figwidth() * 72:.0f}")
    root.set("class", "chart")
    root.set("role", "img")
    root.set("aria-label", clip(title, 300))
    ET.register_namespace("", _SVG[1:-1])
    return ET.tostring(root, encoding="unicode")


def _clean(root: ET.Element, prefix: str, tips: Tips) -> None:
    """Colours become variables, fonts the page's; what matplotlib writes for nothing goes."""
    used = {link[1:] for element in root.iter() if (link := element.get(_LINK))}
    for parent in list(root.iter()):
        for child in list(parent):
            dull = any(child.find(f"{_SVG}{tag}") is not None for tag in ("clipPath", "style"))
            if dull or child.tag == f"{_SVG}metadata":
                parent.remove(child)
    for element in root.iter():
        _restyle(element)
    for element in list(root.iter()):
        _share_style(element)
        name = element.attrib.pop("id", "")
        if name in used:
            element.set("id", f"{prefix}-{name}")
        if name.startswith(ON_FILL):
            element.set("class", ON_FILL)
        if name in tips:
            _explain(element, tips[name])
        element.attrib.pop("clip-path", None)
        link = element.attrib.pop(_LINK, None)
        if link:
            element.set("href", f"#{prefix}-{link[1:]}")


def _share_style(group: ET.Element) -> None:
    """Marks of one look in a row: the group has it."""
    looks = {child.get("style") for child in group}
    if group.tag == f"{_SVG}g" and len(looks) == 1 and {c.tag for c in group} == {f"{_SVG}use"}:
        group.set("style", looks.pop() or "")
        for child in group:
            child.attrib.pop("style", None)


def _explain(element: ET.Element, tips: str | list[str]) -> None:
    marks = [element] if isinstance(tips, str) else list(element.iter(f"{_SVG}use"))
    for mark, text in zip(marks, [tips] if isinstance(tips, str) else tips, strict=False):
        tip = ET.Element(f"{_SVG}title")
        tip.text = clip(text, 300)
        mark.insert(0, tip)


def _restyle(element: ET.Element) -> None:
    if element.tag == f"{_SVG}defs":
        for mark in element:  # its look is that of each use
            mark.attrib.pop("style", None)
    style = _COLOUR.sub(lambda m: _MEANS.get(m[0], "currentColor"), element.get("style", ""))
    if element.tag == f"{_SVG}text":
        style = _FONT.sub("", style)
        if "fill:" not in style:
            style += "; fill: currentColor"
    if style:
        element.set("style", style)
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    for name in ("d", "x", "y"):
        if element.get(name):
            short = _NUMBER.sub(lambda m: f"{float(m[0]):.1f}", element.get(name, ""))
            element.set(name, " ".join(short.split()))
    if element.tag != f"{_SVG}text" and element.tag != f"{_SVG}title":
        element.text = None
    element.tail = None
