"""What a rule of `hazards` looks at: a configuration, with what was recorded and measured of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..configuration import Configuration
from ..measurements.benchmark import FLOAT, Benchmark, Kernel
from ..measurements.kernel_code import KernelCode, ModelCode
from ..measurements.numerics import Numerics
from ..measurements.tuning import Tuning
from ..trace.trace import Trace

NOTICED = 0.02
"""Share of a model's time from which a kind of kernel is worth a word."""


@dataclass
class Case:
    """One configuration, with what was recorded and measured of it.

    `side` is its name in the benchmark, which may have run it for another target too (`elsewhere`).
    """

    configuration: Configuration
    trace: Trace
    benchmark: Benchmark = field(default_factory=Benchmark)
    numerics: Numerics | None = None
    side: str = ""
    code: ModelCode | None = None
    tuning: Tuning | None = None

    @property
    def kernels(self) -> list[Kernel]:
        """Those of the quantized model, in running order; none where it was not profiled."""
        return self.benchmark.kernels.get(self.side, [])

    @property
    def total(self) -> float:
        """Milliseconds of all kernels."""
        return sum(kernel.ms for kernel in self.kernels)

    def difference(self, kind: str) -> float:
        """Milliseconds by which the kernels of a kind take longer than in the float model."""
        ours, theirs = self.benchmark.by_kind(self.side), self.benchmark.by_kind(FLOAT)
        return ours.get(kind, 0.0) - theirs.get(kind, 0.0)

    def share(self, kind: str) -> float:
        """Of the quantized model's time."""
        return self.benchmark.by_kind(self.side).get(kind, 0.0) / self.total if self.total else 0.0

    def ms(self, kernel: KernelCode) -> float:
        """What all calls of a kernel take in an inference; 0 where it was not timed."""
        return sum(timed.ms for timed in self.kernels if timed.name == kernel.name)


def elsewhere(side: str) -> str:
    """What a side is called that was compiled for the host's own -mcpu, to compare with."""
    return f"{side}, host's -mcpu"
