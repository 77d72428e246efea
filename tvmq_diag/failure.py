"""What a trace says of a failure: the error itself, and what was found out about it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Failure:
    """The exception that ended a compile: class, full text, the passes it came through."""

    error: str
    message: str
    stage: str
    passes: tuple[int, ...]
    diagnostics: tuple[str, ...] = ()
    python: dict[str, Any] | None = None
    """Where a Python exception was raised: function, file, line."""


@dataclass(frozen=True)
class Blame:
    """The op a failure comes from, as the replay found it. `row` is a row of the op table."""

    row: int
    index: int
    name: str
    within: str | None
    runs: int
    ms: float
    how: str


@dataclass(frozen=True)
class RejectionMap:
    """What the failing pass says of each op alone; numbers are rows of the failing module's table.

    `unjudged` ops make no module alone, with the reason; `left` were not reached in time.
    """

    accepted: tuple[int, ...]
    rejected: tuple[tuple[int, str], ...]
    unjudged: tuple[tuple[int, str], ...]
    left: int
    queries: int
    ms: float


@dataclass(frozen=True)
class Smallest:
    """The smallest part of the module that fails in the same way, and its reproducer's file."""

    file: str | None
    calls: int
    of: int
    queries: int
    ms: float
    complete: bool
    deterministic: bool
