"""Where the numbers go wrong: each op's error against float, by itself and with what came before.

Read from the journal that instruments.numerics.op_errors leaves behind, whose docstring says what a
simulation shows and what it does not.
"""

from __future__ import annotations

import math
from pathlib import Path

import msgspec

from ..decoding import Natural
from ..trace import journal
from ..trace.events import End, Facts, Fault, Progress, Stage, Start
from ..trace.facts import Setting
from ..trace.journal import Event

LARGE_DB = 20.0
"""An SQNR below this is a large error: noise of more than a tenth of the signal's amplitude."""

DROP_DB = 10.0
"""An op that adds this much to the error it is given multiplies the noise power by ten."""


class ErrorFigures(msgspec.Struct, frozen=True):
    """A tensor against the float model's. None: not a finite number, or all are integers.

    `nan` and `inf` count values; the other figures leave those out. `max_abs_error` is in the
    tensor's own unit.
    """

    cosine: float | None
    sqnr_db: float | None
    max_abs_error: float | None
    nan: Natural
    inf: Natural
    same: float | None = None
    """The share of classes or integers that are the float model's, where that was looked at."""
    places: float | None = None
    """Before the last pooling, the cosine of what varies from place to place to the simulation's,
    where that was looked at."""

    @property
    def sqnr(self) -> float:
        """dB; infinite where there is no error at all, -infinite where nothing can be compared."""
        if self.sqnr_db is not None:
            return self.sqnr_db
        return math.inf if self.max_abs_error == 0 else -math.inf


class NotFinite(msgspec.Struct, frozen=True):
    """How many values of a tensor are NaN and infinite."""

    nan: Natural = 0
    inf: Natural = 0


class Anchor(Event, frozen=True, tag="anchor"):
    """An op that a person recognises from the model; `index` counts them in running order."""

    index: Natural
    op: str
    span: str | None
    shape: tuple[int, ...]
    steps: tuple[Natural, ...] = msgspec.field(name="sites")
    """The quantization steps that feed it; none: it stays float."""
    reads: tuple[Natural, ...]
    """The nearest anchors before it."""
    floats: NotFinite = msgspec.field(name="float")
    """Of the float model itself, here."""
    propagated: ErrorFigures
    """Its result with the whole model quantized."""
    alone: ErrorFigures | None
    """Its result with only its own inputs and weights quantized; None: it stays float, or (if it
    has steps) there was no time to measure it."""
    at_output: ErrorFigures | None
    """The model's output in that same run: what leaving this op in float would spare."""

    @property
    def label(self) -> str:
        """Its number and operator, as in the rest of a report."""
        return f"#{self.index} {self.op}"

    @property
    def breaks(self) -> bool:
        """Has it NaN or Inf which the float model has not?"""
        errors = [e for e in (self.propagated, self.alone) if e is not None]
        return any(e.nan > self.floats.nan or e.inf > self.floats.inf for e in errors)


class QuantizationStep(Event, frozen=True, tag="site"):
    """One simulated_quantize. `kind` is input, weight, activation or identity.

    A value v becomes round(v / scale) steps, of which at most `clip` to either side. Where each
    channel has a scale they reach from `least_scale` to `scale`. Shares are 0 to 1: `saturated`
    with the whole model quantized, `saturated_alone` and `zeroed` (values that become 0 and were
    not) of what the float model has there. `largest` is its largest magnitude.
    """

    index: Natural
    feeds: tuple[Natural, ...]
    """The anchors that read its result, by index."""
    kind: str = msgspec.field(name="of")
    data: str
    """What it quantizes: the name of an operator or of an input, or "constant"."""
    shape: tuple[int, ...]
    scale: float | None
    clip: float
    saturated: float | None
    saturated_alone: float | None
    zeroed: float | None
    largest: float | None
    least_scale: float | None = None


class NumericsFacts(msgspec.Struct):
    """What was measured: `simulation` says whose quantizer is simulated, TVM's own or ours.

    `seconds` are by phase: import, calibrate, build, run.
    """

    target: str | None = None
    qconfig: dict[str, Setting] = {}
    simulation: str = "tvm"
    seed: int | None = None
    seconds: dict[str, float] = {}


class Numerics(msgspec.Struct):
    """All that was measured, complete or not (then `complete` is False)."""

    facts: NumericsFacts = msgspec.field(default_factory=NumericsFacts)
    anchors: list[Anchor] = []
    steps: list[QuantizationStep] = []
    output: ErrorFigures | None = None
    output_shapes: list[list[int]] = []
    faults: list[str] = []
    problems: list[str] = []
    complete: bool = False

    @property
    def by_tvm(self) -> bool:
        """Is it TVM's own quantizer that was simulated, and not ours?"""
        return self.facts.simulation == "tvm"

    def first_large(self, bound_db: float = LARGE_DB, drop_db: float = DROP_DB) -> Anchor | None:
        """The first anchor in running order at which a large error enters; None if it nowhere does.

        It enters where an op has NaN or Inf that the float model has not; or where the op alone
        falls below `bound_db`; or where the op falls below `bound_db` with the whole model
        quantized, and is worse by `drop_db` or more than the worst of what it reads. Where none
        does, and the output is bad all the same, small errors have added up: see `crossing`.
        """
        return next((a for a in self.anchors if self._large(a, bound_db, drop_db)), None)

    def crossing(self, bound_db: float = LARGE_DB) -> Anchor | None:
        """The first anchor below `bound_db` with the whole model quantized, whatever the reason."""
        return next((a for a in self.anchors if a.propagated.sqnr < bound_db), None)

    def worst(self, count: int) -> list[Anchor]:
        """The anchors that alone do the most harm to the model's output, worst first.

        Only those that do any, and that were measured.
        """
        harmful = [a for a in self.anchors if a.at_output and a.at_output.sqnr < math.inf]
        return sorted(harmful, key=_harm)[:count]

    def _large(self, anchor: Anchor, bound_db: float, drop_db: float) -> bool:
        if anchor.breaks or (anchor.alone is not None and anchor.alone.sqnr < bound_db):
            return True
        if anchor.propagated.sqnr >= bound_db:
            return False
        given = [self.anchors[i].propagated.sqnr for i in anchor.reads if i < len(self.anchors)]
        return min(given, default=math.inf) - anchor.propagated.sqnr >= drop_db


class Output(Event, frozen=True, tag="output"):
    """The shapes of the model's outputs, and their error with the whole model quantized."""

    shapes: list[list[int]]
    propagated: ErrorFigures


NumericsEvent = Start | Facts | Stage | Progress | QuantizationStep | Anchor | Output | Fault | End

_WHOSE = "the numbers' journal"

_DECODER: msgspec.json.Decoder[NumericsEvent] = msgspec.json.Decoder(NumericsEvent)


def load(folder: Path) -> Numerics:
    """Read a measurement's journal, complete or not. Raises UsageError when there is none."""
    events, problems = journal.read(folder, _DECODER, _WHOSE)
    numerics = Numerics(problems=problems)
    for event in events:
        match event:
            case Facts():
                problems += event.add_to(numerics.facts, _WHOSE)
            case QuantizationStep():
                numerics.steps.append(event)
            case Anchor():
                numerics.anchors.append(event)
            case Output():
                numerics.output, numerics.output_shapes = event.propagated, event.shapes
            case Fault():
                numerics.faults.append(f"{event.where}: {event.message}")
            case End():
                numerics.complete = True
            case Start() | Stage() | Progress():
                pass
    return numerics


def _harm(anchor: Anchor) -> tuple[bool, float]:
    assert anchor.at_output is not None
    return not (anchor.at_output.nan or anchor.at_output.inf), anchor.at_output.sqnr
