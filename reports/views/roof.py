"""How near a configuration's longest kernels come to what this processor can do at most."""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.analysis import roof, units
from tvmq_diag.analysis.roof import Roof
from tvmq_diag.measurements.benchmark import Benchmark, Kernel, Peaks

from ..formatting import DASH, latency, number, percent

_SHOWN = 10
"""Kernels, those that take longest."""

_BEYOND = 1.1
"""Of the peak: more than this is said to be beyond it, and not rounded to it."""


@dataclass(frozen=True)
class RoofLine:
    """A kernel: what it has to do, how fast it did it, and how near that is to the peak."""

    kernel: Kernel
    ms: str
    moved: str
    rate: str
    operations: str
    speed: str
    bound: str
    share: str


@dataclass(frozen=True)
class RoofView:
    """`said`: the peaks, and what all kernels together take of the least that they could."""

    said: list[str]
    lines: list[RoofLine]


def view(benchmark: Benchmark, name: str) -> RoofView | None:
    """None where no peaks were measured beside it, or no kernel's work is known."""
    peaks, kernels = benchmark.peaks, benchmark.kernels.get(name, [])
    if peaks is None:
        return None
    roofs = roof.roofs(kernels, peaks)
    if not roofs:
        return None
    longest = sorted(roofs, key=lambda one: -one.kernel.ms)[:_SHOWN]
    return RoofView([_peaks(peaks), _together(roofs, kernels)], [_line(one) for one in longest])


def _peaks(peaks: Peaks) -> str:
    parts = []
    if peaks.float_ops is not None:
        parts.append(f"{_giga(peaks.float_ops)} Gop/s in float32")
    if peaks.int8_ops is not None:
        parts.append(f"{_giga(peaks.int8_ops)} Gop/s in int8")
    parts += [f"{_giga(rate)} GB/s from {units.size(size)}" for size, rate in peaks.streams]
    threads = "1 thread" if peaks.threads == 1 else f"{peaks.threads} threads"
    return (
        f"This processor does at most {', '.join(parts)}: measured by loops of this project's on "
        f"{threads}, after the kernels, the best of some runs."
    )


def _together(roofs: list[Roof], kernels: list[Kernel]) -> str:
    took, least = sum(one.kernel.ms for one in roofs), sum(one.least for one in roofs)
    total = sum(kernel.ms for kernel in kernels)
    beyond = (
        " What is beyond the peak had its data nearer than its size tells, or ran when the machine "
        "was less busy."
        if any(one.share > _BEYOND for one in roofs)
        else ""
    )
    return (
        f"The kernels whose work is known take {percent(took / total)} of the time, and "
        f"{took / least:.1f} times the least that their bytes and products take at these peaks."
        f"{beyond}"
    )


def _line(one: Roof) -> RoofLine:
    seconds = one.kernel.ms / 1e3
    known = one.operations is not None
    return RoofLine(
        one.kernel,
        latency(one.kernel.ms),
        units.size(one.moved),
        f"{_giga(one.moved / seconds)} GB/s",
        f"{number((one.operations or 0) / 1e6, 1)} M" if known else DASH,
        f"{_giga((one.operations or 0) / seconds)} Gop/s" if known else DASH,
        one.bound,
        percent(one.share) if one.share <= _BEYOND else f"beyond it, {one.share:.1f} times",
    )


def _giga(rate: float) -> str:
    return f"{rate / 1e9:,.0f}" if rate >= 1e11 else f"{rate / 1e9:.3g}"
