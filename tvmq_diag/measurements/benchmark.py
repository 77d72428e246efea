"""What was measured: rounds in which all sides ran in turn, and each side's time by kernel.

Read from the journal that instruments.tasks.benchmark leaves behind. Times are milliseconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..trace import journal
from . import paired
from .paired import Latency, Ratio

FLOAT = "float32"
"""What the float model is called, here and as the folder of its trace."""
AGAIN = "float32 again"
"""The float model a second time: what differs between the two is the machine's noise."""
EAGER = "PyTorch eager"

CONVOLUTION = "convolution"
DENSE = "dense"
POOLING = "pooling"
LAYOUT = "layout"
REQUANTIZE = "cast, clip, requantize"
ELEMENTWISE = "other elementwise"

KINDS: dict[str, str] = {
    CONVOLUTION: r"conv[123]d",
    DENSE: r"dense|matmul",
    POOLING: r"pool",
    LAYOUT: r"layout_transform|transpose|reshape",
    REQUANTIZE: r"cast|clip|round|shift|fixed_point_multiply",
    ELEMENTWISE: r"",
}
"""Kinds of kernel and the ops in their names that tell. A fused kernel is of the first that fits:
what is fused into a convolution cannot be told apart from it."""


@dataclass(frozen=True)
class Kernel:
    """One kernel of a compiled model, in running order. `ms` is the median of some runs.

    `name` lists the ops fused in it (fused_nn_conv2d_add_cast), `shapes` its arguments as TVM's
    profiler writes them: `float32[1, 64, 56, 56], int8[…]`.
    """

    number: int
    name: str
    ms: float
    shapes: str

    @property
    def kind(self) -> str:
        """Which of KINDS it is."""
        return next(kind for kind, ops in KINDS.items() if re.search(ops, self.name))

    @property
    def short(self) -> str:
        """Its name without what all names share."""
        return self.name.removeprefix("tvmgen_default_").removeprefix("fused_")

    @property
    def tensors(self) -> list[tuple[str, list[str]]]:
        """Dtype and sizes of each argument, the result last."""
        found = re.findall(r"(\w+)\[([^\]]*)\]", self.shapes)
        return [(dtype, re.findall(r"[^\s,]+", sizes)) for dtype, sizes in found]


@dataclass
class Benchmark:
    """`times` has each side's milliseconds round by round, in the order in which they ran."""

    facts: dict[str, Any] = field(default_factory=dict)
    """threads, affinity, cpu, targets (by side), schedules (by side: see Schedule), rounds."""
    times: dict[str, list[float]] = field(default_factory=dict)
    kernels: dict[str, list[Kernel]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def noise(self) -> Ratio | None:
        """The float model against itself; None where it was not measured."""
        return self.ratio(AGAIN)

    def ratio(self, side: str, to: str = FLOAT) -> Ratio | None:
        """How many times as long as `to`, pair by pair; None for fewer than two pairs."""
        ours, theirs = self.times.get(side, []), self.times.get(to, [])
        pairs = min(len(ours), len(theirs))
        return paired.ratio(ours[:pairs], theirs[:pairs]) if pairs >= 2 else None

    def latency(self, side: str) -> Latency | None:
        """Min, mean, median and max of a side."""
        return paired.latency(self.times.get(side, []))

    def by_kind(self, side: str) -> dict[str, float]:
        """Milliseconds of each kind of kernel."""
        found: dict[str, float] = {}
        for kernel in self.kernels.get(side, []):
            found[kernel.kind] = found.get(kernel.kind, 0.0) + kernel.ms
        return found

    def excess(self, side: str) -> float | None:
        """The sum over its kernels as a share of its median latency; above 1: profiling costs.

        TVM's profiler synchronises after each kernel, so sums exceed latencies.
        """
        latency = self.latency(side)
        total = sum(kernel.ms for kernel in self.kernels.get(side, []))
        return total / latency.median if latency is not None and total else None


def load(folder: Path) -> Benchmark:
    """Read a benchmark's journal, complete or not. Raises UsageError when there is none."""
    read = journal.read(folder)
    found = Benchmark(problems=read.problems)
    for event in read.events:
        try:
            _take(found, event)
        except (KeyError, TypeError, ValueError):
            found.problems.append(f"event {event['kind']!r} in the benchmark's journal is damaged")
    return found


def _take(found: Benchmark, event: dict[str, Any]) -> None:
    kind = event["kind"]
    if kind == "facts":
        found.facts.update(event["values"])
    elif kind == "round":
        for side, ms in event["ms"].items():
            found.times.setdefault(side, []).append(float(ms))
    elif kind == "profile":
        found.kernels[event["of"]] = [
            Kernel(i, str(k["name"]), float(k["ms"]), str(k.get("shapes", "")))
            for i, k in enumerate(event["kernels"])
        ]
    elif kind == "fault":
        found.problems.append(f"{event['where']}: {event['message']}")
