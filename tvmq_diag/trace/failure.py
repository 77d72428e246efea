"""What a trace says of a failure: the error itself, and what the diagnosis came to afterwards.

Each is an event of the journal as it was decoded.
"""

from __future__ import annotations

import msgspec

from ..decoding import Natural
from .journal import Event, Timed


class Raised(msgspec.Struct, frozen=True):
    """Where a Python exception was raised.

    Of one without a text, where its source was there: the `statement` that raised it; the
    `condition` that failed or, of a raise, that its branches had come to; and the `values` in that,
    as pairs of expression and description.
    """

    function: str
    file: str
    line: int
    statement: str | None = None
    condition: str | None = None
    values: tuple[tuple[str, str], ...] = ()


class Failure(Timed, frozen=True, tag="error"):
    """The exception that ended a compile: class, full text, the passes it came through."""

    error: str
    message: str
    stage: str
    passes: tuple[int, ...]
    diagnostics: tuple[str, ...] = ()
    python: Raised | None = None
    tvms: bool = True
    """Did it come out of TVM? If not, it is of the script that called TVM."""


class Blame(Event, frozen=True, tag="blame"):
    """The op a failure comes from. `row` is a row of the op table, `index` counts in running order.

    The table is that of `snapshot`; None (as in older traces): of the module before the innermost
    failing pass that has a graph. `within` is the fused function that the op is in. `how` says by
    which experiments it was found, of which there were `runs`, in `ms` milliseconds.
    """

    row: Natural
    index: Natural
    name: str
    within: str | None
    runs: Natural
    ms: float
    how: str
    snapshot: Natural | None = None


class Culprit(Event, frozen=True, tag="culprit"):
    """The op that handed on what the blamed op could not take, proven by replay.

    `index` counts in running order; None: what is no call, as an `if`. With its value cast to
    `dtype` the pass goes through; None: with a parameter in its place, or what `proof` says.
    """

    index: Natural | None
    name: str
    dtype: str | None
    proof: str | None = None


class RejectionMap(Event, frozen=True, tag="map"):
    """What the failing pass says of each op alone; numbers are rows of the failing module's table.

    `unjudged` ops make no module alone, with the reason. `remaining` ops were not reached in time;
    `queries` trials were made, in `ms` milliseconds.
    """

    accepted: tuple[Natural, ...]
    rejected: tuple[tuple[Natural, str], ...]
    unjudged: tuple[tuple[Natural, str], ...]
    remaining: Natural = msgspec.field(name="left")
    queries: Natural
    ms: float


class Smallest(Event, frozen=True, tag="smallest"):
    """The smallest part of the module that fails in the same way, and its reproducer's file.

    It has `calls` of the module's `of` operator calls. `complete`: every smaller part was tried,
    within the time there was. `deterministic`: it failed each time that it was tried again.
    """

    file: str | None
    calls: Natural
    of: Natural
    queries: Natural
    ms: float
    complete: bool
    deterministic: bool
