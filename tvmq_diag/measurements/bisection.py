"""The pass and the op that a wrong result comes from.

Read from the journal that instruments.bisection.bisection leaves behind; how it looks for them is
said there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..trace import journal
from . import numerics
from .numerics import Error

PASS, BUILD, LIMIT = "pass", "build", "limit"
"""What was built: what a pass of quantize() left; all of it as asked; with only the first `index`
of the passes that a build may leave out, to the one of that name."""


@dataclass(frozen=True)
class Step:
    """The model's outputs against float after a step. `right` None: it could not be run."""

    index: int
    of: str
    name: str
    stage: str
    right: bool | None
    error: Error | None
    repeats: bool | None
    why: str | None


@dataclass(frozen=True)
class Culprit:
    """The first pass behind which the result is wrong; `name` None: none that can be left out.

    `over`: passes that it may be as well, as what they leave cannot be run. `exact`: one pass
    less is right, and run anew it was wrong again.
    """

    name: str | None
    stage: str
    last_right: str | None
    over: tuple[str, ...]
    exact: bool


@dataclass(frozen=True)
class Found:
    """The op. `index` counts the calls of the module before the pass; of the quantized module, if
    the pass is one of the build."""

    index: int
    name: str
    span: str | None
    how: str
    exact: bool


@dataclass(frozen=True)
class Tried:
    """An experiment on ops, in the order they were made. `right` None: it could not be run."""

    what: str
    op: str
    span: str | None
    right: bool | None
    error: Error | None
    repeats: bool | None
    why: str | None


@dataclass
class Bisection:
    """All that was found out, complete or not (then `complete` is False)."""

    facts: dict[str, Any] = field(default_factory=dict)
    """target, plain (the plain way's target), bound (cosine), bound_db (SQNR)."""
    steps: list[Step] = field(default_factory=list)
    culprit: Culprit | None = None
    op: Found | None = None
    tried: list[Tried] = field(default_factory=list)
    right: bool = False
    """Nothing is wrong."""
    unknown: list[str] = field(default_factory=list)
    """What could not be told, and why."""
    problems: list[str] = field(default_factory=list)
    complete: bool = False

    @property
    def exact(self) -> bool:
        """Was all that was found confirmed?"""
        culprit, op = self.culprit, self.op
        return culprit is not None and culprit.exact and (op is None or op.exact)

    @property
    def first_wrong(self) -> Step | None:
        """The step that is the culprit's."""
        named = self.culprit
        if named is None:
            return None
        matching = (s for s in self.steps if (s.name, s.stage) == (named.name, named.stage))
        return next((step for step in matching if step.right is False), None)

    @property
    def said(self) -> str:
        """The answer in a sentence."""
        if self.right:
            return "nothing is wrong: quantized and built again, its outputs are right"
        if self.culprit is None:
            return "the pass is not found" + (f": {self.unknown[0]}" if self.unknown else "")
        return f"{self._blamed(self.culprit)}{self._at()}"

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
        figures = f", {_in_words(after)}" if after is not None else ""
        return f"{before}, wrong after {name}{figures}"

    def _at(self) -> str:
        if self.op is None:
            return f"; the op is not found: {self.unknown[0]}" if self.unknown else ""
        span = f" ({self.op.span})" if self.op.span else ""
        return f"; it enters at {self.op.name} #{self.op.index}{span}"


def load(folder: Path) -> Bisection:
    """Read a bisection's journal, complete or not. Raises UsageError when there is none."""
    read = journal.read(folder)
    found = Bisection(problems=read.problems)
    for event in read.events:
        try:
            _take(found, event)
        except (KeyError, TypeError, ValueError, AttributeError):
            found.problems.append(f"event {event['kind']!r} in the bisection's journal is damaged")
    found.steps.sort(key=lambda step: ((PASS, BUILD, LIMIT).index(step.of), step.index))
    return found


def _take(found: Bisection, event: dict[str, Any]) -> None:
    kind = event["kind"]
    if kind == "facts":
        found.facts.update(event["values"])
    elif kind == "after":
        place = int(event["index"]), str(event["of"]), str(event["name"]), str(event["stage"])
        found.steps.append(Step(*place, *_judged(event)))
    elif kind == "tried":
        found.tried.append(
            Tried(str(event["what"]), str(event["op"]), event["span"], *_judged(event))
        )
    elif kind == "culprit":
        name, stage, before = event["name"], str(event["stage"]), event["last_right"]
        over = tuple(map(str, event["over"]))
        found.culprit = Culprit(name, stage, before, over, bool(event["exact"]))
    elif kind == "op":
        found.op = Found(
            int(event["index"]),
            str(event["name"]),
            event["span"],
            str(event["how"]),
            bool(event["exact"]),
        )
    elif kind == "right":
        found.right = True
    elif kind == "unknown":
        found.unknown.append(str(event["why"]))
    elif kind == "fault":
        found.problems.append(f"{event['where']}: {event['message']}")
    elif kind == "end":
        found.complete = True


def _judged(
    event: dict[str, Any],
) -> tuple[bool | None, Error | None, bool | None, str | None]:
    figures = event["figures"]
    error = numerics.error_of(figures) if figures is not None else None
    return event["right"], error, event["repeats"], event["why"]


def _in_words(step: Step) -> str:
    if step.repeats is False:
        return "another answer each time"
    if step.error is None or step.error.cosine is None:
        return "with nothing to compare left"
    return f"cosine {step.error.cosine:.3f}"
