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

    `record` is its line in TVM's own form. `keeps_layout`: are the tensors that it reads and writes
    laid out as the default's? `error`: why it could not be timed or compared.
    """

    task: Natural
    point: Natural
    default_ms: list[Ms]
    ms: list[Ms]
    record: str
    keeps_layout: bool = True
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


class WrongSchedule(Event, frozen=True, tag="wrong"):
    """A schedule that is faster than the default by a single timing, and was found to compute
    something else, or to fail at it (`error`)."""

    task: Natural
    point: Natural
    ms: Ms
    record: str
    outputs: Outputs | None = None
    error: str | None = None


class Task(msgspec.Struct):
    """One kernel, and all that was tried of it in this run."""

    begins: TaskBegins
    trials: list[ScheduleTrial] = []
    candidates: list[Candidate] = []
    wrong: list[WrongSchedule] = []

    @property
    def winner(self) -> Candidate | None:
        """The fastest in pairs of those that are taken; None: the default stays."""
        return _fastest(self.candidates)

    @property
    def keeper(self) -> Candidate | None:
        """The same of those that keep the default's layout."""
        return _fastest([one for one in self.candidates if one.keeps_layout])

    @property
    def best_ms(self) -> float | None:
        """The least of this run's single timings, which is the luckiest of them."""
        return min((trial.ms for trial in self.trials if trial.ms is not None), default=None)

    @property
    def failed(self) -> int:
        """How many trials came to nothing."""
        return sum(trial.ms is None for trial in self.trials)


def _fastest(candidates: list[Candidate]) -> Candidate | None:
    taken = [(one.ratio.value, one) for one in candidates if one.taken and one.ratio is not None]
    return min(taken, key=lambda each: each[0])[1] if taken else None


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

    def records(self, side: str, keep_layout: bool = False) -> list[str]:
        """Those of the winners among a side's kernels, in TVM's own form."""
        mine = [task for task in self.tasks.values() if side in task.begins.uses]
        winners = [task.keeper if keep_layout else task.winner for task in mine]
        return [winner.record for winner in winners if winner is not None]


class TunedModel(msgspec.Struct):
    """A model built again with so many `records`. `runs`: came it to outputs? They are `furthest`
    from those without records, as a share of their largest value, and have a cosine of `cosine` to
    them. `same`: is that so little that it is the same model? `ratio`: its time as a multiple of
    the model's without records, in turn. `taken`: is it the one that is called tuned? `why`: if it
    is not, why."""

    what: str
    records: Natural
    runs: bool = False
    furthest: float | None = None
    cosine: float | None = None
    same: bool = False
    ratio: Ratio | None = None
    taken: bool = False
    why: str | None = None


class Gain(msgspec.Struct, frozen=True):
    """What tuning gained: ratios of times, from rounds in which all four ran in turn.

    `own` and `floats`: tuned to untuned, of the configuration and of the float model; None where
    tuning made no faster model, and the untuned one stays. `before` and `after`: the configuration
    to float, both untuned and both as they are fastest; `change`: the second as a multiple of the
    first.
    """

    before: Ratio
    after: Ratio
    change: Ratio
    own: Ratio | None = None
    floats: Ratio | None = None


def tuned(side: str) -> str:
    """What a side of the benchmark is called that was built with records."""
    return f"{side}, tuned"


def gain(benchmark: Benchmark, side: str, floats: str) -> Gain | None:
    """Of a side, with the float model's name; None where neither was timed tuned, or not twice."""
    ours, theirs = benchmark.times.get(side, []), benchmark.times.get(floats, [])
    ours_tuned = benchmark.times.get(tuned(side))
    theirs_tuned = benchmark.times.get(tuned(floats))
    if ours_tuned is None and theirs_tuned is None:
        return None
    ours_best, theirs_best = ours_tuned or ours, theirs_tuned or theirs
    pairs = min(map(len, (ours, theirs, ours_best, theirs_best)))
    if pairs < 2:
        return None
    before = [a / b for a, b in zip(ours[:pairs], theirs[:pairs], strict=True)]
    after = [a / b for a, b in zip(ours_best[:pairs], theirs_best[:pairs], strict=True)]
    return Gain(
        paired.ratio(ours[:pairs], theirs[:pairs]),
        paired.ratio(ours_best[:pairs], theirs_best[:pairs]),
        paired.ratio(after, before),
        paired.ratio(ours_tuned[:pairs], ours[:pairs]) if ours_tuned else None,
        paired.ratio(theirs_tuned[:pairs], theirs[:pairs]) if theirs_tuned else None,
    )


TuningEvent = (
    Start
    | Facts
    | Stage
    | Progress
    | TaskBegins
    | ScheduleTrial
    | Candidate
    | WrongSchedule
    | Fault
    | End
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
            case WrongSchedule():
                if event.task in tuning.tasks:
                    tuning.tasks[event.task].wrong.append(event)
            case Facts():
                problems += event.add_to(tuning.facts, _WHOSE)
            case Fault():
                tuning.faults.append(f"{event.where}: {event.message}")
            case End():
                tuning.complete = True
            case Start() | Stage() | Progress():
                pass
    return tuning
