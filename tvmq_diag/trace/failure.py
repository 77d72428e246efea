"""What a trace says of a failure: the error itself, and what was found out about it afterwards.

Each is an event of the journal, kept as it was decoded.
"""

from __future__ import annotations

import msgspec

from .journal import Event, Timed


class Raised(msgspec.Struct, frozen=True):
    """Where a Python exception was raised."""

    function: str
    file: str
    line: int


class Failure(Timed, frozen=True, tag="error"):
    """The exception that ended a compile: class, full text, the passes it came through."""

    error: str
    message: str
    stage: str
    passes: tuple[int, ...]
    diagnostics: tuple[str, ...] = ()
    python: Raised | None = None


class Blame(Event, frozen=True, tag="blame"):
    """The op a failure comes from, as the replay found it. `row` is a row of the op table.

    The table is that of `snapshot`; None (as in older traces): of the module before the innermost
    failing pass that has a graph.
    """

    row: int
    index: int
    name: str
    within: str | None
    runs: int
    ms: float
    how: str
    snapshot: int | None = None


class RejectionMap(Event, frozen=True, tag="map"):
    """What the failing pass says of each op alone; numbers are rows of the failing module's table.

    `unjudged` ops make no module alone, with the reason; `left` were not reached in time.
    """

    accepted: tuple[int, ...]
    rejected: tuple[tuple[int, str], ...]
    unjudged: tuple[tuple[int, str], ...]
    left: int
    queries: int
    ms: float


class Smallest(Event, frozen=True, tag="smallest"):
    """The smallest part of the module that fails in the same way, and its reproducer's file."""

    file: str | None
    calls: int
    of: int
    queries: int
    ms: float
    complete: bool
    deterministic: bool
