"""Of which instructions a configuration's kernels consist: a table, and the hot loops to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tvmq_diag.measurements.benchmark import Kernel
from tvmq_diag.measurements.kernel_code import (
    DOT,
    FMA,
    INTEGER,
    MULTIPLIES,
    SCALAR_MULTIPLY,
    WIDENING,
    KernelCode,
    ModelCode,
    counts,
)

from ..formatting import DASH, clip, latency, percent
from .addresses import Addresses

LOOPS = 10
"""Hot loops on a page: those of the kernels that take longest."""

_TABLE = 60

_LOOKS = {DOT: "dot", WIDENING: "widening", INTEGER: "same", SCALAR_MULTIPLY: "lone", FMA: "fma"}
"""By what a line of a hot loop is marked; each has its word beside it."""


@dataclass(frozen=True)
class CodeLine:
    """An instruction of a hot loop; `look` and `kind` are empty for what does not multiply."""

    text: str
    look: str
    kind: str


@dataclass(frozen=True)
class HotLoopView:
    """A hot loop to read."""

    key: str
    name: str
    address: str | None
    about: str
    lines: list[CodeLine]
    left_out: int


@dataclass(frozen=True)
class CodeRow:
    """A kernel: how it multiplies, by class and by instruction."""

    name: str
    address: str | None
    shapes: str
    calls: int
    ms: str
    share: str
    how: str
    instructions: str
    place: str
    width: str


@dataclass(frozen=True)
class CodeView:
    """The code of a configuration's kernels; where nothing was `timed`, as the model calls them."""

    said: list[str]
    rows: list[CodeRow]
    left_out: int
    rest: str
    """What those left out have in common, if anything."""
    timed: bool
    loops: list[HotLoopView]


def view(code: ModelCode, kernels: Sequence[Kernel], addresses: Addresses, key: str) -> CodeView:
    """Everything to show of it; `kernels` as they were profiled, empty where nothing was timed."""
    ms: dict[str, float] = {}
    where = {name: addresses.kernel(call) for name, call in _first(code, kernels).items()}
    for kernel in kernels:
        ms[kernel.name] = ms.get(kernel.name, 0.0) + kernel.ms
    multiplying = (
        [k for k in code.kernels if k.how.of(*MULTIPLIES)] if not kernels else code.kernels
    )
    ranked = sorted(multiplying, key=lambda k: -ms.get(k.name, 0.0))
    total = sum(ms.values())
    looped = [kernel for kernel in ranked if kernel.hot is not None][:LOOPS]
    return CodeView(
        said(code),
        [_row(kernel, ms.get(kernel.name), total, where) for kernel in ranked[:_TABLE]],
        len(code.kernels) - len(ranked[:_TABLE]),
        "" if kernels or len(ranked) > _TABLE else ", which multiply nothing but addresses",
        bool(kernels),
        [_loop(kernel, where, f"{key}-loop{i}") for i, kernel in enumerate(looped)],
    )


def said(code: ModelCode) -> list[str]:
    """In words: how many kernels multiply bytes, by which instructions, and what is not known."""
    sentences = []
    of_int8 = code.of_int8
    if of_int8:
        dots = [kernel for kernel in of_int8 if kernel.of(DOT)]
        used = sorted({name for kernel in dots for name in kernel.of(DOT)})
        by = f" ({clip(', '.join(used), 60)})" if used else ""
        sentences.append(
            f"{len(dots)} of the {len(of_int8)} different kernels that multiply int8 values have "
            f"{DOT} instructions{by}."
        )
    if code.missing:
        names = clip(", ".join(code.missing), 200)
        sentences.append(f"The code of {len(code.missing)} kernels was not found: {names}.")
    if code.unattributed:
        sentences.append(
            "Of functions that multiply, these belong to no kernel that is known to be called: "
            f"{clip(', '.join(code.unattributed), 200)}."
        )
    return sentences


def _first(code: ModelCode, kernels: Sequence[Kernel]) -> dict[str, Kernel]:
    """The first call of each kernel."""
    return {kernel.name: kernel for kernel in reversed(kernels or calls(code))}


def calls(code: ModelCode) -> list[Kernel]:
    """The calls of the model in running order, of which no time is known."""
    shapes = {kernel.name: kernel.shapes for kernel in code.kernels}
    return [
        Kernel(number, name, 0.0, shapes.get(name, "")) for number, name in enumerate(code.order)
    ]


def _row(
    kernel: KernelCode, ms: float | None, total: float, where: dict[str, str | None]
) -> CodeRow:
    used = kernel.how
    classes = [name for name in MULTIPLIES if used.of(name)]
    return CodeRow(
        clip(kernel.short, 90),
        where.get(kernel.name),
        clip(kernel.shapes or ", ".join(kernel.dtypes), 160),
        kernel.calls,
        DASH if ms is None else latency(ms),
        DASH if ms is None or not total else percent(ms / total),
        ", ".join(classes) or DASH,
        clip(counts(used.of(*MULTIPLIES)), 120) if classes else DASH,
        _place(kernel),
        used.width,
    )


def _place(kernel: KernelCode) -> str:
    if kernel.hot is None:
        return "no loop in it"
    if kernel.how is kernel.hot:
        return "in the hot loop"
    return "outside the hot loop" if kernel.how.of(*MULTIPLIES) else ""


def _loop(kernel: KernelCode, where: dict[str, str | None], key: str) -> HotLoopView:
    hot = kernel.hot
    assert hot is not None  # only kernels with one are asked for
    about = [
        f"in {clip(hot.function, 90)}, {hot.depth} loop{'s' * (hot.depth > 1)} deep",
        counts(hot.of(*MULTIPLIES)) if hot.of(*MULTIPLIES) else "it multiplies nothing",
        hot.width,
    ]
    lines = [
        CodeLine(clip(text, 160), _LOOKS.get(kind, ""), clip(kind, 40)) for text, kind in hot.lines
    ]
    return HotLoopView(
        key, clip(kernel.short, 90), where.get(kernel.name), "; ".join(about), lines, hot.left_out
    )
