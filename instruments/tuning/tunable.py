"""What a dialect says of a kernel that has more than one schedule."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Protocol, Sequence

import numpy as np

from .workers import Run

DEFAULT = None
"""As a point: the schedule that the kernel has without a record."""


@dataclass
class Use:
    """Of a task by a model: how many of its kernels it is, and what they take, ms an inference;
    None where they were not profiled."""

    calls: int = 0
    ms: float | None = None


class Tunable(Protocol):
    """A task: a kernel of one shape, of one model or of several."""

    key: str
    """The same for the same task on the same TVM and target: a name for a file."""
    name: str
    text: str
    """What it computes, in short: shapes and dtype."""
    choices: list[int]
    """Of each knob: see grid."""
    kept: dict[int, int]
    """Of the knobs that change the layout of what is handed on between kernels, by their places,
    the default's choice; -1: it is none of the choices."""
    uses: dict[str, Use]
    """By the name of the side of the benchmark."""

    def timer(self, point: int | None) -> Run:
        """Build the schedule; what then times it: ms of one call, the least of some. Calling it
        again times again."""

    def outputs(self, point: int | None) -> Run:
        """Build the schedule as a model has it; what then runs it on seeded data: an array in the
        layout that all schedules of the task share."""

    def record(self, point: int, ms: float | None, hung: bool) -> str:
        """A line in the form in which TVM, or this project, keeps schedules; ms None: it fails."""

    def known(self, lines: Sequence[str]) -> dict[int, float | None]:
        """What lines of that form say of points of this task."""


@dataclass(frozen=True)
class Comparison:
    """Outputs against those of the default: are they the same, by `figures.difference` how far
    apart are they?"""

    same: bool
    difference: float

    def to_json(self) -> dict[str, Any]:
        """For the journal."""
        return dataclasses.asdict(self)


TOLERANCE = 1e-4
"""Of floats: largest difference to the largest value. Sums in another order differ by rounding;
one element of a sum left out differs by far more."""


def compared(ours: np.ndarray, theirs: np.ndarray) -> Comparison:
    """Integers must be equal, floats but for rounding."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return Comparison(False, float("inf"))
    if not ours.size:
        return Comparison(True, 0.0)
    apart = float(np.max(np.abs(ours.astype("float64") - theirs.astype("float64"))))
    if ours.dtype.kind != "f":
        return Comparison(apart == 0, apart)
    largest = float(np.max(np.abs(theirs))) or 1.0
    relative = apart / largest
    return Comparison(bool(relative <= TOLERANCE), relative)  # NaN is not
