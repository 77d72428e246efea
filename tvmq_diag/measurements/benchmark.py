"""What was measured: rounds in which all sides ran in turn, and each side's time by kernel.

Read from the journal that instruments.tasks.benchmark leaves behind. Times are milliseconds.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import msgspec

from ..decoding import Natural
from ..trace import journal
from ..trace.events import End, Facts, Fault, Progress, Start
from ..trace.facts import Schedules
from ..trace.journal import Event
from ..trace.ops import kernel_kind
from . import paired
from .paired import Latency, Ratio

Positive = Annotated[float, msgspec.Meta(gt=0)]

FLOAT = "float32"
"""What the float model is called, here and as the folder of its trace."""
AGAIN = "float32 again"
"""The float model a second time: what differs between the two is the machine's noise."""

_DISTURBED = 1.25
"""As many times as long as itself, in the middle of all rounds."""
EAGER = "PyTorch eager"


class Kernel(msgspec.Struct, frozen=True):
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
        """Which of trace.ops.KERNELS it is."""
        return kernel_kind(self.name)

    @property
    def short(self) -> str:
        """Its name without what all names share."""
        return self.name.removeprefix("tvmgen_default_").removeprefix("fused_")

    @property
    def tensors(self) -> list[tuple[str, list[str]]]:
        """Dtype and sizes of each argument, the result last."""
        types = re.findall(r"(\w+)\[([^\]]*)\]", self.shapes)
        return [(dtype, re.findall(r"[^\s,]+", sizes)) for dtype, sizes in types]


class Device(msgspec.Struct, frozen=True):
    """A device behind a TVM RPC tracker."""

    host: str
    port: int
    key: str


class BenchmarkFacts(msgspec.Struct):
    """Where it was measured: threads of TVM and PyTorch, cores, processor, TVM's version, device.

    `targets` and `schedules` are by side, of those that TVM compiled.
    """

    threads: int | None = None
    affinity: list[int] = []
    cpu: str | None = None
    tvm: str | None = None
    rpc: Device | None = None
    eager_threads: int | None = None
    targets: dict[str, str | None] = {}
    schedules: dict[str, Schedules | None] = {}


class Benchmark(msgspec.Struct):
    """`times` has each side's milliseconds round by round, in the order in which they ran."""

    facts: BenchmarkFacts = msgspec.field(default_factory=BenchmarkFacts)
    times: dict[str, list[float]] = {}
    kernels: dict[str, list[Kernel]] = {}
    peaks: Peaks | None = None
    problems: list[str] = []

    @property
    def noise(self) -> Ratio | None:
        """The float model against itself; None where it was not measured."""
        return self.ratio(AGAIN)

    @property
    def disturbed(self) -> str | None:
        """Said of a machine that was so busy that the ratios mean little; None of a quiet one."""
        noise = self.noise
        if noise is None or 1 / _DISTURBED < noise.value < _DISTURBED:
            return None
        return f"the machine was disturbed: float against itself took {noise.value:.2f} of its time"

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
        times: dict[str, float] = {}
        for kernel in self.kernels.get(side, []):
            times[kernel.kind] = times.get(kernel.kind, 0.0) + kernel.ms
        return times

    def excess(self, side: str) -> float | None:
        """The sum over its kernels as a share of its median latency; above 1: profiling costs.

        TVM's profiler synchronises after each kernel, so sums exceed latencies.
        """
        latency = self.latency(side)
        total = sum(kernel.ms for kernel in self.kernels.get(side, []))
        return total / latency.median if latency is not None and total else None


class Peaks(Event, frozen=True, tag="peaks"):
    """What the processor does at most, on so many threads: see instruments.peaks.

    `streams`: bytes of what is moved again and again, and bytes a second, the nearest memory first.
    Operations a second, a multiplication and an addition being two; None: not measured here.
    """

    threads: Natural
    streams: list[tuple[Natural, Positive]]
    float_ops: Positive | None = None
    int8_ops: Positive | None = None

    def stream(self, moved: int) -> float | None:
        """Bytes a second from the smallest memory that has room for so many; None: not measured."""
        rates = (rate for size, rate in self.streams if moved <= size)
        return next(rates, self.streams[-1][1] if self.streams else None)


class Round(Event, frozen=True, tag="round"):
    """The milliseconds of each side, all timed in turn."""

    ms: dict[str, Positive]


class KernelTime(msgspec.Struct, frozen=True):
    """A kernel as a Profile lists it: see Kernel."""

    name: str
    ms: float
    shapes: str = ""


class Profile(Event, frozen=True, tag="profile"):
    """The kernels of a side, in running order."""

    of: str
    kernels: list[KernelTime]


BenchmarkEvent = Start | Facts | Round | Progress | Profile | Peaks | Fault | End

_WHOSE = "the benchmark's journal"

_DECODER: msgspec.json.Decoder[BenchmarkEvent] = msgspec.json.Decoder(BenchmarkEvent)


def load(folder: Path) -> Benchmark:
    """Read a benchmark's journal, complete or not. Raises UsageError when there is none."""
    events, problems = journal.read(folder, _DECODER, _WHOSE)
    benchmark = Benchmark(problems=problems)
    for event in events:
        match event:
            case Facts():
                problems += event.add_to(benchmark.facts, _WHOSE)
            case Round():
                for side, ms in event.ms.items():
                    benchmark.times.setdefault(side, []).append(ms)
            case Profile():
                benchmark.kernels[event.of] = [
                    Kernel(number, kernel.name, kernel.ms, kernel.shapes)
                    for number, kernel in enumerate(event.kernels)
                ]
            case Peaks():
                benchmark.peaks = event
            case Fault():
                problems.append(f"{event.where}: {event.message}")
            case Start() | Progress() | End():
                pass
    return benchmark
