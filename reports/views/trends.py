"""What became of each configuration of each model, over the runs in time order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from ..figures import sparkline
from ..formatting import TIMES, number, outcome_class, outcome_mark

LATEST = 24
"""So many runs a trend shows: the newest."""


@dataclass(frozen=True)
class Line:
    """What became of one configuration in a run. `role` is empty for one that was asked for; the
    figures are None where they were not measured: cosine to float and the share of classes or
    integers that are its own, on the inputs it was judged on, and its time as a multiple of
    float's."""

    configuration: str
    outcome: str
    cause: str
    role: str
    cosine: float | None = None
    same: float | None = None
    ratio: float | None = None


@dataclass(frozen=True)
class Mark:
    """So many runs in a row with the same outcome."""

    outcome: str
    runs: int

    @property
    def mark(self) -> str:
        """The outcome as a symbol."""
        return outcome_mark(self.outcome)

    @property
    def look(self) -> str:
        """The class that colours it."""
        return outcome_class(self.outcome)


@dataclass(frozen=True)
class Curve:
    """A figure over the runs. `svg` is None for fewer than two values; `newest` is its last."""

    name: str
    svg: str | None
    newest: str


@dataclass(frozen=True)
class Trend:
    """A configuration of a model in `runs` runs, of which the newest LATEST are shown."""

    model: str
    configuration: str
    runs: int
    marks: list[Mark]
    curves: list[Curve]

    @property
    def said(self) -> str:
        """The outcomes in words."""
        return ", ".join(
            mark.outcome if mark.runs == 1 else f"{mark.outcome} {mark.runs} times"
            for mark in self.marks
        )


def trends(runs: Iterable[tuple[str, list[Line]]]) -> list[Trend]:
    """Of each model and configuration that is in two runs or more. `runs` in time order, each with
    its model."""
    series: dict[tuple[str, str], list[Line]] = {}
    for model, lines in runs:
        for line in lines:
            series.setdefault((model, line.configuration), []).append(line)
    return [_trend(*key, lines) for key, lines in sorted(series.items()) if len(lines) > 1]


def _trend(model: str, configuration: str, lines: list[Line]) -> Trend:
    shown = lines[-LATEST:]
    marks = [
        Mark(outcome, len(list(same)))
        for outcome, same in groupby(shown, key=lambda line: line.outcome)
    ]
    curves = [
        _curve("cosine", [line.cosine for line in shown], 3),
        _curve("same as float", [line.same for line in shown], 2),
        _curve("time to float", [line.ratio for line in shown], 2, TIMES),
    ]
    return Trend(model, configuration, len(lines), marks, curves)


def _curve(name: str, values: list[float | None], digits: int, unit: str = "") -> Curve:
    known = [value for value in values if value is not None]
    newest = number(values[-1], digits) + (unit if values[-1] is not None else "")
    if len(known) < 2:
        return Curve(name, None, newest)
    texts = ", ".join("none" if value is None else number(value, digits) for value in values)
    return Curve(name, sparkline.draw(values, f"{name}, run by run: {texts}"), newest)
