"""The pass and the op that a wrong result comes from.

Read from the journal that instruments.bisection leaves behind; instruments/bisection says how it
looks for them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec

from ..decoding import Natural
from ..trace import journal
from ..trace.events import End, Facts, Fault, Progress, Stage, Start
from ..trace.journal import Event
from .numerics import ErrorFigures

Built = Literal["pass", "build", "limit"]
"""What was built: what a pass of quantize() left; all of it as asked; with only the first `index`
of the passes that a build may leave out, to the one of that name."""

PASS: Final = "pass"
BUILD: Final = "build"
LIMIT: Final = "limit"


class BisectionStep(Event, frozen=True, tag="after"):
    """The model's outputs against float after a step. `right` None: it could not be run."""

    index: Natural
    of: Built
    name: str
    stage: str
    right: bool | None
    error: ErrorFigures | None = msgspec.field(name="figures")
    repeats: bool | None
    why: str | None


class Culprit(Event, frozen=True, tag="culprit"):
    """The first pass behind which the result is wrong; `name` None: none that can be left out.

    `over`: passes that it may be as well, as what they leave cannot be run. `exact`: one pass
    less is right, and run anew it was wrong again.
    """

    name: str | None
    stage: str
    last_right: str | None
    over: tuple[str, ...]
    exact: bool


class CulpritOp(Event, frozen=True, tag="op"):
    """The op. `index` counts the calls of the module before the pass; of the quantized module, if
    the pass is one of the build."""

    index: Natural
    name: str
    span: str | None
    how: str
    exact: bool


class Kernel(Event, frozen=True, tag="kernel"):
    """The ops to the culprit as the passes of the build left them, built with plain kernels.

    `right`: then it is the target's kernel that is wrong, and no pass; None: it could not be tried,
    and `why` says why. `implementation`: TVM's name for the kernel of the op, None where unknown.
    """

    implementation: str | None
    right: bool | None
    error: ErrorFigures | None = msgspec.field(name="figures")
    repeats: bool | None
    why: str | None


class Another(Event, frozen=True, tag="another"):
    """It was not done with the quantizer, or not with the TVM, that the result is of."""

    why: str


class Experiment(Event, frozen=True, tag="tried"):
    """What became of a part of the ops. `right` None: it could not be run, and `why` says why."""

    what: str
    op: str
    span: str | None
    right: bool | None
    error: ErrorFigures | None = msgspec.field(name="figures")
    repeats: bool | None
    why: str | None


class BisectionFacts(msgspec.Struct):
    """TVM's targets, of the run and the plain one, and the bounds from which on a result is right:
    `bound` a cosine, `agreement` a share of classes or integers, `bound_db` an SQNR in dB, `places`
    a spatial cosine.

    `inputs`: which of those that a run is judged on were looked at, from 0; `output`: which of the
    model's, None: each.
    """

    target: str | None = None
    plain: str | None = None
    bound: float | int | None = None
    agreement: float | int | None = None
    bound_db: float | int | None = None
    places: float | int | None = None
    inputs: list[int] = []
    output: int | None = None


class Bisection(msgspec.Struct):
    """Everything that the search came to, complete or not (then `complete` is False)."""

    facts: BisectionFacts = msgspec.field(default_factory=BisectionFacts)
    steps: list[BisectionStep] = []
    culprit: Culprit | None = None
    op: CulpritOp | None = None
    kernel: Kernel | None = None
    experiments: list[Experiment] = []
    right: bool = False
    """Nothing is wrong."""
    another: str | None = None
    """How the quantizer or the TVM is not that which the result is of: then it is not explained by
    what was found."""
    unknown: list[str] = []
    """What could not be decided, with the reason, a sentence each."""
    problems: list[str] = []
    complete: bool = False

    @property
    def exact(self) -> bool:
        """Was the whole answer confirmed?"""
        culprit, op = self.culprit, self.op
        return culprit is not None and culprit.exact and (op is None or op.exact)

    @property
    def wrong_kernel(self) -> Kernel | None:
        """The target's kernel for the op, where it is wrong and what the passes left is right."""
        return self.kernel if self.kernel is not None and self.kernel.right else None

    @property
    def saw_places(self) -> bool:
        """Was what the last pooling reads looked at behind the build?"""
        built = (step.error for step in self.steps if step.of == BUILD)
        return any(error is not None and error.places is not None for error in built)

    @property
    def first_wrong(self) -> BisectionStep | None:
        """The step that is the culprit's."""
        named = self.culprit
        if named is None:
            return None
        matching = (s for s in self.steps if (s.name, s.stage) == (named.name, named.stage))
        return next((step for step in matching if step.right is False), None)

    @property
    def answer(self) -> str:
        """The answer in a sentence."""
        return f"{self._answer}; {self.another}" if self.another else self._answer

    @property
    def _answer(self) -> str:
        if self.right:
            return (
                f"nothing wrong is reproduced: quantized and built again{self._where()} it is right"
            )
        if self.culprit is None:
            reasons = [*self.unknown, *self.problems]
            return "the pass is not found" + (f": {reasons[0]}" if reasons else "")
        if self.wrong_kernel is not None and self.op is not None:
            return self._with_kernel(self.culprit, self.wrong_kernel, self.op)
        return f"{self._blamed(self.culprit)}{self._at()}{self._in_kernel()}"

    def _where(self) -> str:
        """The inputs that were looked at, if it is known which."""
        numbers = ", ".join(map(str, self.facts.inputs))
        if not numbers:
            return ","
        return f", for input{'s' if len(self.facts.inputs) > 1 else ''} {numbers},"

    def _blamed(self, culprit: Culprit) -> str:
        if culprit.name is None:
            return (
                "right when built plainly, and wrong for this target even without the passes that "
                "the build may leave out"
            )
        after = self.first_wrong
        name = " or ".join([*culprit.over, culprit.name])
        before = f"right after {culprit.last_right}" if culprit.last_right else "right at first"
        if any(step.of == LIMIT for step in self.steps):
            return f"right when built plainly; as asked it is wrong from {name} on"
        figures = f", {_in_words(after, self.facts)}" if after is not None else ""
        return f"{before}, wrong after {name}{figures}"

    def _at(self) -> str:
        if self.op is None:
            return f"; the op is not found: {self.unknown[0]}" if self.unknown else ""
        span = f" ({self.op.span})" if self.op.span else ""
        return f"; it enters at {self.op.name} #{self.op.index}{span}"

    def _with_kernel(self, culprit: Culprit, kernel: Kernel, op: CulpritOp) -> str:
        name = f" ({kernel.implementation})" if kernel.implementation else ""
        passes = (
            " or ".join([*culprit.over, culprit.name]) if culprit.name else "the build's passes"
        )
        return (
            f"the target's kernel for {op.name} #{op.index}{name} is wrong: what {passes} left is "
            "right with plain kernels"
        )

    def _in_kernel(self) -> str:
        """Whether it may be the kernel after all, where a pass or nothing else is to blame."""
        built = any(step.of == LIMIT for step in self.steps)
        if self.op is None or not built:
            return ""
        if self.kernel is None or self.kernel.right is None:
            why = f": {self.kernel.why}" if self.kernel is not None else ""
            return f"; whether by the pass or the target's kernel is not known{why}"
        return "; with plain kernels it is wrong too"


class Right(Event, frozen=True, tag="right"):
    """Nothing is wrong."""


class Unknown(Event, frozen=True, tag="unknown"):
    """Something could not be decided."""

    why: str


BisectionEvent = (
    Start | Facts | Stage | Progress | BisectionStep | Experiment | Culprit | CulpritOp | Kernel
    | Another | Right | Unknown | Fault | End
)  # fmt: skip

_WHOSE = "the bisection's journal"

_DECODER: msgspec.json.Decoder[BisectionEvent] = msgspec.json.Decoder(BisectionEvent)


def load(folder: Path) -> Bisection:
    """Read a bisection's journal, complete or not. Raises UsageError when there is none."""
    events, problems = journal.read(folder, _DECODER, _WHOSE)
    bisection = Bisection(problems=problems)
    for event in events:
        _take(bisection, event)
    bisection.steps.sort(key=lambda step: ((PASS, BUILD, LIMIT).index(step.of), step.index))
    return bisection


def _take(bisection: Bisection, event: BisectionEvent) -> None:
    match event:
        case Facts():
            bisection.problems += event.add_to(bisection.facts, _WHOSE)
        case BisectionStep():
            bisection.steps.append(event)
        case Experiment():
            bisection.experiments.append(event)
        case Culprit():
            bisection.culprit = event
        case CulpritOp():
            bisection.op = event
        case Kernel():
            bisection.kernel = event
        case Right():
            bisection.right = True
        case Another():
            bisection.another = event.why
        case Unknown():
            bisection.unknown.append(event.why)
        case Fault():
            bisection.problems.append(f"{event.where}: {event.message}")
        case End():
            bisection.complete = True
        case Start() | Stage() | Progress():
            pass


def _in_words(step: BisectionStep, facts: BisectionFacts) -> str:
    if step.repeats is False:
        return "another answer each time"
    error = step.error
    near = error is not None and (error.cosine is None or error.cosine >= (facts.bound or 0))
    if error is not None and error.places is not None and near and step.right is False:
        return f"spatial cosine {error.places:.3f} to the simulation before the last pooling"
    if error is not None and error.same is not None and near:
        return f"{error.same:.0%} of it the same as in float"
    if error is not None and error.cosine is None and error.sqnr_db is not None:
        return "all zeros"  # nothing else has a distance and no angle
    if error is None or error.cosine is None:
        return "with nothing to compare left"
    return f"cosine {error.cosine:.3f}"
