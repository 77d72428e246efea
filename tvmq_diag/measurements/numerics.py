"""Where the numbers go wrong: each op's error against float, by itself and with what came before.

Read from the journal that instruments.numerics.op_errors leaves behind; what a simulation shows and
what it does not is said there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..trace import journal

LARGE_DB = 20.0
"""An SQNR below this is a large error: noise of more than a tenth of the signal's amplitude."""

DROP_DB = 10.0
"""An op that adds this much to the error it is given multiplies the noise power by ten."""


@dataclass(frozen=True)
class Error:
    """A tensor against the float model's. None: not a finite number.

    `nan` and `inf` count values; the other figures leave those out. `max_abs_error` is in the
    tensor's own unit.
    """

    cosine: float | None
    sqnr_db: float | None
    max_abs_error: float | None
    nan: int
    inf: int

    @property
    def sqnr(self) -> float:
        """dB; infinite where there is no error at all, -infinite where nothing can be compared."""
        if self.sqnr_db is not None:
            return self.sqnr_db
        return math.inf if self.max_abs_error == 0 else -math.inf


@dataclass(frozen=True)
class Anchor:
    """An op that a person recognises from the model; `index` counts them in running order."""

    index: int
    op: str
    span: str | None
    shape: tuple[int, ...]
    sites: tuple[int, ...]
    """The quantization steps that feed it; none: it stays float."""
    reads: tuple[int, ...]
    """The nearest anchors before it."""
    float_nan: int
    float_inf: int
    """How many values of the float model itself are not finite here."""
    propagated: Error
    """Its result with the whole model quantized."""
    alone: Error | None
    """Its result with only its own inputs and weights quantized; None: it stays float, or (if it
    has sites) there was no time to measure it."""
    at_output: Error | None
    """The model's output in that same run: what leaving this op in float would spare."""

    @property
    def label(self) -> str:
        """Its number and operator, as in the rest of a report."""
        return f"#{self.index} {self.op}"

    @property
    def breaks(self) -> bool:
        """Has it NaN or Inf which the float model has not?"""
        errors = [e for e in (self.propagated, self.alone) if e is not None]
        return any(e.nan > self.float_nan or e.inf > self.float_inf for e in errors)


@dataclass(frozen=True)
class Site:
    """One simulated_quantize. `kind` is input, weight, activation or identity.

    A value v becomes round(v / scale) steps, of which at most `clip` to either side. Where each
    channel has a scale they reach from `least_scale` to `scale`. Shares are 0 to 1: `saturated`
    with the whole model quantized, `saturated_alone` and `zeroed` (values that become 0 and were
    not) of what the float model has there. `largest` is its largest magnitude.
    """

    index: int
    feeds: tuple[int, ...]
    """The anchors that read what it made."""
    kind: str
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


@dataclass
class Numerics:
    """All that was measured, complete or not (then `complete` is False)."""

    facts: dict[str, Any] = field(default_factory=dict)
    """target, qconfig, simulation, seed, seconds (by phase: import, calibrate, build, run)."""
    anchors: list[Anchor] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)
    output: Error | None = None
    output_shapes: list[list[int]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    complete: bool = False

    @property
    def by_tvm(self) -> bool:
        """Is it TVM's own quantizer that was simulated, and not ours?"""
        return str(self.facts.get("simulation", "tvm")) == "tvm"

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

    def most_saturated(self, count: int) -> list[Site]:
        """The sites that clip the largest share of what the float model has there; only any."""
        clipping = [site for site in self.sites if site.saturated_alone]
        return sorted(clipping, key=lambda site: -(site.saturated_alone or 0.0))[:count]

    def _large(self, anchor: Anchor, bound_db: float, drop_db: float) -> bool:
        if anchor.breaks or (anchor.alone is not None and anchor.alone.sqnr < bound_db):
            return True
        if anchor.propagated.sqnr >= bound_db:
            return False
        given = [self.anchors[i].propagated.sqnr for i in anchor.reads if i < len(self.anchors)]
        return min(given, default=math.inf) - anchor.propagated.sqnr >= drop_db


def load(folder: Path) -> Numerics:
    """Read a measurement's journal, complete or not. Raises UsageError when there is none."""
    read = journal.read(folder)
    found = Numerics(problems=read.problems)
    for event in read.events:
        try:
            _take(found, event)
        except (KeyError, TypeError, ValueError, AttributeError):
            found.problems.append(f"event {event['kind']!r} in the numbers' journal is damaged")
    return found


def _harm(anchor: Anchor) -> tuple[bool, float]:
    assert anchor.at_output is not None
    return not (anchor.at_output.nan or anchor.at_output.inf), anchor.at_output.sqnr


def _take(found: Numerics, event: dict[str, Any]) -> None:
    kind = event["kind"]
    if kind == "facts":
        found.facts.update(event["values"])
    elif kind == "site":
        found.sites.append(_site(event))
    elif kind == "anchor":
        found.anchors.append(_anchor(event))
    elif kind == "output":
        found.output = error_of(event["propagated"])
        found.output_shapes = [list(map(int, shape)) for shape in event["shapes"]]
    elif kind == "fault":
        found.faults.append(f"{event['where']}: {event['message']}")
    elif kind == "end":
        found.complete = True


def _anchor(event: dict[str, Any]) -> Anchor:
    return Anchor(
        index=int(event["index"]),
        op=str(event["op"]),
        span=event["span"],
        shape=tuple(map(int, event["shape"])),
        sites=tuple(map(int, event["sites"])),
        reads=tuple(map(int, event["reads"])),
        float_nan=int(event["float"]["nan"]),
        float_inf=int(event["float"]["inf"]),
        propagated=error_of(event["propagated"]),
        alone=error_of(event["alone"]) if event["alone"] is not None else None,
        at_output=error_of(event["at_output"]) if event["at_output"] is not None else None,
    )


def _site(event: dict[str, Any]) -> Site:
    return Site(
        index=int(event["index"]),
        feeds=tuple(map(int, event["feeds"])),
        kind=str(event["of"]),
        data=str(event["data"]),
        shape=tuple(map(int, event["shape"])),
        scale=_number(event["scale"]),
        clip=float(event["clip"]),
        saturated=_number(event["saturated"]),
        saturated_alone=_number(event["saturated_alone"]),
        zeroed=_number(event["zeroed"]),
        largest=_number(event["largest"]),
        least_scale=_number(event.get("least_scale")),
    )


def error_of(record: dict[str, Any]) -> Error:
    """The figures of instruments.numerics.measurement.error."""
    return Error(
        _number(record["cosine"]),
        _number(record["sqnr_db"]),
        _number(record["max_abs_error"]),
        int(record["nan"]),
        int(record["inf"]),
    )


def _number(value: Any) -> float | None:
    return float(value) if value is not None else None
