"""From the float model's time to a configuration's, part by part: a chart, and the kernels behind
each bar."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tvmq_diag.analysis import waterfall
from tvmq_diag.analysis.waterfall import Part
from tvmq_diag.measurements.benchmark import FLOAT, Benchmark, Kernel
from tvmq_diag.measurements.tuning import tuned

from ..figures import waterfall as figure
from ..figures.waterfall import Bar
from ..formatting import latency, signed

_DIGITS = 4
"""Of a difference in ms: what is less is the sums' own error."""

_LONGEST = 5
"""Kernels of a part that are shown."""


@dataclass(frozen=True)
class PartLine:
    """A part: times in both models, and its longest kernels with theirs: ours or, where it has
    none, float's."""

    name: str
    float_ms: str
    ms: str
    difference: str
    kernels: list[tuple[Kernel, str]]
    of_float: bool
    left_out: int


@dataclass(frozen=True)
class WaterfallView:
    """The parts, those that lose most first."""

    chart: str | None
    lines: list[PartLine]


def view(benchmark: Benchmark, name: str, key: str, idle: Collection[str]) -> WaterfallView:
    """Of a configuration that was profiled, as float was. `idle`: kernels, by name, that multiply
    bytes without the instruction that the target has for it."""
    floats, ours = benchmark.kernels[FLOAT], benchmark.kernels[name]
    without = {kernel.number for kernel in ours if kernel.name in idle}
    parts = waterfall.parts(floats, ours, without)
    bars = [Bar(part.name, part.difference, _told(part)) for part in parts]
    after = benchmark.kernels.get(tuned(name), [])
    if after:
        gained = sum(kernel.ms for kernel in after) - sum(kernel.ms for kernel in ours)
        bars.append(Bar("tuning", gained, "its kernels with the schedules that were found"))
    total = sum(kernel.ms for kernel in floats)
    title = f"From float32 to {name}, by kind of kernel"
    chart = figure.waterfall(total, bars, name, f"{key}-waterfall", title)
    return WaterfallView(chart, [_line(part) for part in parts])


def _told(part: Part) -> str:
    ours, floats = len(part.of_ours), len(part.of_float)
    if not ours:
        return f"{floats} of float's, gone"
    return f"{ours} kernel{'s' * (ours > 1)}, {floats or 'none'} in float"


def _line(part: Part) -> PartLine:
    kernels = part.of_ours or part.of_float
    longest = sorted(kernels, key=lambda kernel: -kernel.ms)[:_LONGEST]
    return PartLine(
        part.name,
        latency(part.float_ms),
        latency(part.ms),
        signed(round(part.difference, _DIGITS)),
        [(kernel, latency(kernel.ms)) for kernel in longest],
        not part.of_ours,
        len(kernels) - len(longest),
    )
