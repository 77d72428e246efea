"""What tuning tried and what it came to, task by task: what instruments.tuning leaves behind.

A schedule counts only if it was faster than the default in rounds in which both ran in turn, and
computes the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from ..decoding import Natural
from ..trace import journal
from ..trace.events import End, Facts, Fault, Progress, Stage, Start
from ..trace.journal import Event
from . import paired
from .benchmark import Benchmark
from .paired import Ratio

Ms = Annotated[float, msgspec.Meta(gt=0)]


class Use(msgspec.Struct, frozen=True):
    """How many kernels of a model a task is, and what they take, ms an inference; None: nobody
    knows."""

    calls: Natural
    ms: float | None = None


class Outputs(msgspec.Struct, frozen=True):
    """Of a schedule, against the default's: integers must be the same, floats but for rounding.
    `difference`: of integers the largest, of floats as a share of the largest value."""

    same: bool
    difference: float | None


class Candidate(Event, frozen=True, tag="candidate"):
    """One of the fastest of a task, timed again in turn with the default: ms, round by round.

    `record` is its line in TVM's own form. `error`: why it could not be timed or compared.
    """

    task: Natural
    point: Natural
    default_ms: list[Ms]
    ms: list[Ms]
    record: str
    outputs: Outputs | None = None
    error: str | None = None

    @property
    def ratio(self) -> Ratio | None:
        """How many times as long as the default, in pairs; None for fewer than two of them."""
        pairs = min(len(self.ms), len(self.default_ms))
        return paired.ratio(self.ms[:pairs], self.default_ms[:pairs]) if pairs >= 2 else None

    @property
    def faster(self) -> bool:
        """By its whole interval?"""
        return self.ratio is not None and self.ratio.high < 1

    @property
    def taken(self) -> bool:
        """Is it faster, and right?"""
        return self.faster and self.outputs is not None and self.outputs.same


class TaskBegins(Event, frozen=True, tag="task"):
    """A kernel that has several schedules. `points`: how many; `known`: how many of them were tried
    before this run. `ms` is the default's time by itself, None with the `error`. `uses` is by the
    name of the side of the benchmark."""

    number: Natural
    name: str
    text: str
    points: Natural
    known: Natural
    uses: dict[str, Use]
    ms: Ms | None = None
    error: str | None = None


class ScheduleTrial(Event, frozen=True, tag="trial"):
    """A schedule that was built and timed once: ms, or the error."""

    task: Natural
    point: Natural
    ms: Ms | None = None
    error: str | None = None


class Task(msgspec.Struct):
    """One kernel, and all that was tried of it in this run."""

    begins: TaskBegins
    trials: list[ScheduleTrial] = []
    candidates: list[Candidate] = []

    @property
    def winner(self) -> Candidate | None:
        """The fastest in pairs of those that are taken; None: the default stays."""
        taken = [(one.ratio.value, one) for one in self.candidates if one.taken and one.ratio]
        return min(taken, key=lambda each: each[0])[1] if taken else None

    @property
    def best_ms(self) -> float | None:
        """The least of this run's single timings, which is the luckiest of them."""
        return min((trial.ms for trial in self.trials if trial.ms is not None), default=None)

    @property
    def failed(self) -> int:
        """How many trials came to nothing."""
        return sum(trial.ms is None for trial in self.trials)


class TuningFacts(msgspec.Struct):
    """s that the search had, and TVM's threads."""

    seconds: float | None = None
    threads: int | None = None


class Tuning(msgspec.Struct):
    """All tasks in order, by their number."""

    tasks: dict[int, Task] = {}
    facts: TuningFacts = msgspec.field(default_factory=TuningFacts)
    faults: list[str] = []
    problems: list[str] = []
    complete: bool = False

    @property
    def records(self) -> list[str]:
        """Those of the winners, in TVM's own form."""
        winners = (task.winner for task in self.tasks.values())
        return [winner.record for winner in winners if winner is not None]


class TunedModel(msgspec.Struct):
    """A model built again with the records. `runs`: came it to outputs? They are `furthest` from
    those without records, as a share of their largest value, and have a cosine of `cosine` to them.
    `same`: is that so little that it is the same model? `why`: if it is not timed, why."""

    runs: bool
    furthest: float | None = None
    cosine: float | None = None
    same: bool = False
    why: str | None = None


class Gain(msgspec.Struct, frozen=True):
    """What tuning gained: ratios of times, from rounds in which all four ran in turn.

    `own` and `floats`: tuned to untuned, of the configuration and of the float model. `before` and
    `after`: the configuration to float, both untuned and both tuned; `change`: the second as a
    multiple of the first.
    """

    own: Ratio
    floats: Ratio
    before: Ratio
    after: Ratio
    change: Ratio


def tuned(side: str) -> str:
    """What a side of the benchmark is called that was built with records."""
    return f"{side}, tuned"


def gain(benchmark: Benchmark, side: str, floats: str) -> Gain | None:
    """Of a side, with the float model's name; None where not all four were timed twice or more."""
    names = (side, tuned(side), floats, tuned(floats))
    times = [benchmark.times.get(name, []) for name in names]
    pairs = min(map(len, times))
    if pairs < 2:
        return None
    ours, ours_tuned, theirs, theirs_tuned = (values[:pairs] for values in times)
    after = [a / b for a, b in zip(ours_tuned, theirs_tuned, strict=True)]
    before = [a / b for a, b in zip(ours, theirs, strict=True)]
    return Gain(
        paired.ratio(ours_tuned, ours),
        paired.ratio(theirs_tuned, theirs),
        paired.ratio(ours, theirs),
        paired.ratio(ours_tuned, theirs_tuned),
        paired.ratio(after, before),
    )


TuningEvent = (
    Start | Facts | Stage | Progress | TaskBegins | ScheduleTrial | Candidate | Fault | End
)

_WHOSE = "the tuning's journal"

_DECODER: msgspec.json.Decoder[TuningEvent] = msgspec.json.Decoder(TuningEvent)


def load(folder: Path) -> Tuning:
    """Read a tuning's journal, complete or not. Raises UsageError when there is none."""
    events, problems = journal.read(folder, _DECODER, _WHOSE)
    tuning = Tuning(problems=problems)
    for event in events:
        match event:
            case TaskBegins():
                tuning.tasks[event.number] = Task(event)
            case ScheduleTrial():
                if event.task in tuning.tasks:
                    tuning.tasks[event.task].trials.append(event)
            case Candidate():
                if event.task in tuning.tasks:
                    tuning.tasks[event.task].candidates.append(event)
            case Facts():
                problems += event.add_to(tuning.facts, _WHOSE)
            case Fault():
                tuning.faults.append(f"{event.where}: {event.message}")
            case End():
                tuning.complete = True
            case Start() | Stage() | Progress():
                pass
    return tuning
