"""What a run is asked to do, and who is told how it gets on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..analysis.accuracy import Bounds
from ..configuration import Configuration
from ..instruments.protocol.jobs import CHECK_ON, DataSource, ModelSource, Rpc
from ..results.run import Result
from ..results.verdict import Verdict
from ..toolchains.follower import Progress
from ..toolchains.limits import Limits
from ..toolchains.toolchain import Toolchain

ANY_CPU = "none"
"""Of --mcpu: leave it out of TVM's target."""

NATURAL = DataSource(CHECK_ON)
BOUNDS = Bounds()


@dataclass(frozen=True)
class Plan:
    """What a run does. `mcpu` None means the host's; `bounds` are those of `works`."""

    model: ModelSource
    configurations: list[Configuration]
    toolchain: Toolchain
    limits: Limits
    mcpu: str | None = None
    opt_level: int = 3
    """Of the build."""
    quantize_anyway: bool = False
    """Quantize a model that arrives quantized, which is refused without."""
    quantize_opt_level: int | None = None
    """Of a PassContext around Relay's quantize(); None: none, as in a script without one."""
    dataset: DataSource | None = None
    """To calibrate on."""
    check: DataSource = NATURAL
    """What results are judged on."""
    reference: bool = True
    explore: bool = True
    """With the reference: also what works instead, and each field by itself."""
    errors: bool = True
    """With the reference: also each op's error, and where a wrong result comes from."""
    save_ir: bool = False
    bounds: Bounds = field(default_factory=Bounds)
    rounds: int = 30
    seconds: float = 60.0
    """Of the benchmark: whichever ends first."""
    search: float = 60.0
    """s for the search for the fewest bits, where a configuration does not work; 0: none."""
    tune: float = 0.0
    """s for tuning the kernels of all that is timed; 0: none."""
    tuning_records: Path | None = None
    """Somebody's own, to build with beside TVM's defaults."""
    rpc: Rpc | None = None
    """Where models run, and the benchmark; None means here."""
    target: str | None = None
    """TVM's target for that device; None means the host's."""
    fresh: bool = False
    """Take nothing that another run left in the cache: the float model, the imported one, what is
    prepared for the quantizer."""
    jobs: int = 1
    """How many TVM processes may run at a time, where none measures times."""


@dataclass(frozen=True)
class Turn:
    """How far a run is: what it does now, and what of that which follows is needed as it looks."""

    running: str
    to_come: tuple[str, ...]
    timed: bool
    """Does it measure times, which whatever else the machine does would spoil?"""


@dataclass
class Observer:
    """Who is told what happens meanwhile: the next step has its turn, a process begins, gets on, a
    verdict is decided. The run is on disk then, and no process runs before `begin` has returned.

    `beside`: a process that began before its turn gets on, or, None, has ended; both it and
    `foreseen` may come from another thread.
    `foreseen`: of a verdict that is still being made, all that its headline says is known.
    """

    turn: Callable[[Turn], None] = lambda turn: None
    begin: Callable[[str], None] = lambda what: None
    progress: Callable[[Progress], None] = lambda progress: None
    beside: Callable[[str, Progress | None], None] = lambda what, progress: None
    foreseen: Callable[[Verdict], None] = lambda verdict: None
    decided: Callable[[Result], None] = lambda result: None
