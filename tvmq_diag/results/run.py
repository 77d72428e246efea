"""A run of the tool: what was tried, in which role, and what came of it."""

from __future__ import annotations

import enum
from pathlib import Path

import msgspec

from ..measurements.benchmark import Benchmark
from ..measurements.bisection import Bisection
from ..measurements.bit_search import BitSearch
from ..measurements.kernel_code import ModelCode
from ..measurements.numerics import Numerics
from ..measurements.tuning import Tuning
from ..trace.trace import Trace
from .facts import RunFacts
from .verdict import NOT_IMPORTED, Verdict


class Role(enum.Enum):
    """Why something was tried, by the word that verdict.json has for it."""

    REQUESTED = "asked"
    INSTEAD = "instead"
    """In place of a configuration that does not work."""
    REFERENCE = "reference"
    """TVM's own default, to compare with."""
    FLOAT = "float"
    """The model as it is."""


class Result(msgspec.Struct, eq=False):
    """A configuration that was tried, or the float model. `tail`: the last of what it printed."""

    verdict: Verdict
    role: Role
    trace: Trace | None = None
    tail: str = ""
    numerics: Numerics | None = None
    """Where its numbers go wrong, op by op."""
    bisection: Bisection | None = None
    """Which pass and op a wrong result comes from."""
    code: ModelCode | None = None
    """Of which instructions its kernels consist."""

    @property
    def ran(self) -> bool:
        """Did it come to outputs?"""
        return self.trace is not None and self.trace.outputs is not None


class Run(msgspec.Struct, eq=False):
    """One run of the tool: its folder, what it was asked for, and a Result per configuration."""

    directory: Path
    facts: RunFacts
    results: list[Result] = []
    benchmark: Benchmark | None = None
    searches: list[BitSearch] = []
    """How few bits stay right, in simulation, in the order of layout.SEARCHES."""
    tuning: Tuning | None = None
    """Schedules tried for the kernels, and what they came to."""
    problems: list[str] = []
    """What in the run's own files could not be read."""

    def with_role(self, *roles: Role) -> list[Result]:
        """The results of each of these roles in turn, as they were tried."""
        return [result for role in roles for result in self.results if result.role == role]

    @property
    def here(self) -> list[Result]:
        """What was asked for of this machine."""
        requested = self.with_role(Role.REQUESTED)
        return [result for result in requested if result.verdict.target is None]

    @property
    def built(self) -> list[Result]:
        """What was asked for of other machines, as far as it came to code."""
        requested = self.with_role(Role.REQUESTED)
        return [r for r in requested if r.trace is not None and r.trace.facts.built]

    @property
    def not_imported(self) -> Result | None:
        """That TVM does not take the model, which goes for each configuration; None where it does.

        Where there is one, nothing else was tried.
        """
        refused = (result for result in self.results if result.verdict.outcome == NOT_IMPORTED)
        return next(refused, None)
