"""A configuration's kernels beside those of the float model: by kind, and aligned one by one."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tvmq_diag.analysis.kernel_pairs import align
from tvmq_diag.measurements.benchmark import FLOAT, Benchmark, Kernel
from tvmq_diag.trace.ops import KERNELS

from ..figures import charts
from ..formatting import DASH, clip, latency, percent, signed
from . import roof, waterfall
from .roof import RoofView
from .waterfall import WaterfallView

LIMIT = 400
"""Lines of a table of kernels."""


@dataclass(frozen=True)
class KindLine:
    """A kind of kernel in both models."""

    kind: str
    float_ms: str
    float_share: str
    ms: str
    share: str
    difference: str


@dataclass(frozen=True)
class KernelLine:
    """A kernel of the float model and the one it became; either may stand alone."""

    kind: str
    float_kernel: Kernel | None
    float_ms: str
    kernel: Kernel | None
    ms: str
    difference: str


@dataclass(frozen=True)
class Pair:
    """A configuration beside float, kernel by kernel."""

    key: str
    name: str
    said: list[str]
    kinds: list[KindLine]
    kernels: list[KernelLine]
    left_out: int
    chart: str | None
    waterfall: WaterfallView
    roof: RoofView | None


def pair(benchmark: Benchmark, name: str, key: str, idle: Collection[str] = ()) -> Pair:
    """Everything to show of the kernels of a configuration; both sides must have been profiled.
    `idle`: kernels that multiply bytes without the instruction that the target has for it."""
    ours, theirs = benchmark.kernels[FLOAT], benchmark.kernels[name]
    pairs = align(ours, theirs)
    lines = [_line(here, there) for here, there in pairs[:LIMIT]]
    said = [_main_difference(benchmark, name), _alone(pairs)]
    said += [_excess(benchmark, side) for side in (FLOAT, name)]
    shown = {side: benchmark.by_kind(side) for side in (FLOAT, name)}
    return Pair(
        key,
        clip(name, 80),
        [sentence for sentence in said if sentence],
        _kinds(shown[FLOAT], shown[name]),
        lines,
        len(pairs) - len(lines),
        charts.by_kind(shown, list(KERNELS), f"{key}-kinds", "Time by kind of kernel"),
        waterfall.view(benchmark, name, key, idle),
        roof.view(benchmark, name),
    )


def _line(here: Kernel | None, there: Kernel | None) -> KernelLine:
    return KernelLine(
        next(kernel.kind for kernel in (here, there) if kernel is not None),
        here,
        DASH if here is None else latency(here.ms),
        there,
        DASH if there is None else latency(there.ms),
        signed((there.ms if there else 0.0) - (here.ms if here else 0.0)),
    )


def _kinds(ours: dict[str, float], theirs: dict[str, float]) -> list[KindLine]:
    """A line for each kind there is, and one for the sum."""
    here, there = sum(ours.values()), sum(theirs.values())
    known = [(kind, ours.get(kind), theirs.get(kind)) for kind in KERNELS]
    known = [line for line in known if line[1] is not None or line[2] is not None]
    return [
        KindLine(
            kind,
            DASH if a is None else latency(a),
            DASH if a is None or not here else f"{a / here:.1%}",
            DASH if b is None else latency(b),
            DASH if b is None or not there else f"{b / there:.1%}",
            signed((b or 0.0) - (a or 0.0)),
        )
        for kind, a, b in [*known, ("all kernels", here, there)]
    ]


def _main_difference(benchmark: Benchmark, name: str) -> str:
    ours, theirs = benchmark.by_kind(FLOAT), benchmark.by_kind(name)
    changed = {kind: theirs.get(kind, 0.0) - ours.get(kind, 0.0) for kind in KERNELS}
    gain, loss = min(changed, key=changed.__getitem__), max(changed, key=changed.__getitem__)
    said = []
    if changed[gain] < 0:
        said.append(f"gains most in {gain} ({signed(changed[gain])})")
    if changed[loss] > 0:
        said.append(f"loses most in {loss} ({signed(changed[loss])})")
    return f"Against float, {clip(name, 80)} {' and '.join(said)}." if said else ""


def _alone(pairs: Sequence[tuple[Kernel | None, Kernel | None]]) -> str:
    """What quantization added, in kernels."""
    added = [there.ms for here, there in pairs if there is not None and here is None]
    if not added:
        return ""
    have = "have" if len(added) > 1 else "has"
    return (
        f"{len(added):,} of its kernels {have} no counterpart in float32: "
        f"{latency(sum(added))}{' together' if len(added) > 1 else ''}."
    )


def _excess(benchmark: Benchmark, side: str) -> str:
    timed = benchmark.latency(side)
    excess = benchmark.excess(side) if timed is None or timed.median > 0 else None
    if excess is None or not math.isfinite(excess):
        return ""
    said = f"The sum of the kernels of {clip(side, 80)} is {percent(abs(excess - 1))}"
    if excess > 1:
        said += " above its median latency, because TVM's profiler synchronises after each kernel"
        return f"{said}."
    return f"{said} below its median latency."
