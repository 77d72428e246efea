"""A reason as data: what it is known by, the clause, and where in TVM's source it was read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...trace.stages import STAGES


@dataclass(frozen=True)
class Occurrence:
    """A failure, as far as a reason is known by it.

    `text` is TVM's message or, of an exception without one, the statement that raised it; `values`
    what was recorded of the values in that. `culprit` is the op that handed on what the failing one
    could not take.
    """

    text: str
    stage: str | None = None
    dialect: str | None = None
    file: str | None = None
    function: str | None = None
    culprit: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reason:
    """Why TVM says `pattern` (a regular expression), in a clause.

    The clause may hold groups of the pattern, then those of the patterns in `values`, as {0}, {1}.
    """

    pattern: str
    clause: str
    source: str
    """The file and the function of TVM that it was read in."""
    tried: str | None = None
    """What of it is no reading but an experiment, and where that is."""
    since: str | None = None
    """From this stage of a compile on only."""
    dialect: str | None = None
    """Of this dialect only; None: of code that both have."""
    file: str | None = None
    function: str | None = None
    """Only where this Python function raised it."""
    culprit: str | None = None
    """Only where this operator handed on what the failing one could not take."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Only with these values: patterns of their descriptions, by expression."""

    def explain(self, occurrence: Occurrence) -> str | None:
        """The clause on an occurrence; None where this is not the reason."""
        if not self._is_of(occurrence):
            return None
        descriptions = [occurrence.values.get(name) for name in self.values]
        patterns = [self.pattern, *self.values.values()]
        groups: list[str] = []
        for pattern, text in zip(patterns, [occurrence.text, *descriptions], strict=True):
            match = re.search(pattern, text) if text is not None else None
            if match is None:
                return None
            groups += match.groups()
        return self.clause.format(*groups)

    def _is_of(self, occurrence: Occurrence) -> bool:
        """Is it of this dialect, stage, place and culprit? What is not known excludes a reason that
        asks for it, but for the dialect and the stage: older traces do not have those."""
        if None not in (self.dialect, occurrence.dialect) and self.dialect != occurrence.dialect:
            return False
        if self.since is not None and occurrence.stage in STAGES[: STAGES.index(self.since)]:
            return False
        if self.file is not None and not (occurrence.file or "").endswith(f"/{self.file}"):
            return False
        if self.function is not None and self.function != occurrence.function:
            return False
        return self.culprit is None or self.culprit == occurrence.culprit


@dataclass(frozen=True)
class Circumstance:
    """A clause on what TVM does without saying anything: `when` in words; what decides that it
    holds is code."""

    when: str
    clause: str
    source: str


def explain(reasons: tuple[Reason, ...], occurrence: Occurrence) -> str | None:
    """The clause of the first reason that it is; None of what is not known, never a guess."""
    clauses = (reason.explain(occurrence) for reason in reasons)
    return next((clause for clause in clauses if clause is not None), None)
