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

    @classmethod
    def read(cls, event: dict[str, Any]) -> Failure:
        """What an event of the journal says; raises KeyError, TypeError, ValueError if damaged."""
        return cls(
            event["error"],
            event["message"],
            event["stage"],
            tuple(event["passes"]),
            tuple(event.get("diagnostics", ())),
            event.get("python"),
        )


@dataclass(frozen=True)
class Blame:
    """The op a failure comes from, as the replay found it. `row` is a row of the op table.

    The table is that of `snapshot`; None: of the module before the innermost failing pass that has
    a graph.
    """

    row: int
    index: int
    name: str
    within: str | None
    runs: int
    ms: float
    how: str
    snapshot: int | None = None

    @classmethod
    def read(cls, event: dict[str, Any]) -> Blame:
        """What an event of the journal says; raises KeyError, TypeError, ValueError if damaged."""
        found = {name: event[name] for name in cls.__dataclass_fields__ if name != "snapshot"}
        snapshot = event.get("snapshot")  # not in older traces
        if snapshot is not None and not isinstance(snapshot, int):
            raise TypeError(f"{snapshot!r} is no snapshot's number")
        return cls(**found, snapshot=snapshot)


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

    @classmethod
    def read(cls, event: dict[str, Any]) -> RejectionMap:
        """What an event of the journal says; raises KeyError, TypeError, ValueError if damaged."""
        return cls(
            accepted=tuple(event["accepted"]),
            rejected=tuple((int(row), str(said)) for row, said in event["rejected"]),
            unjudged=tuple((int(row), str(why)) for row, why in event["unjudged"]),
            left=event["left"],
            queries=event["queries"],
            ms=event["ms"],
        )


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

    @classmethod
    def read(cls, event: dict[str, Any]) -> Smallest:
        """What an event of the journal says; raises KeyError, TypeError, ValueError if damaged."""
        return cls(**{name: event[name] for name in cls.__dataclass_fields__})
