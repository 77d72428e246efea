"""What the doctor finds: a line each."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class State(enum.Enum):
    """How it is: as it should be, to be mended, or worth knowing and nothing to mend."""

    OK = "ok"
    BAD = "mend"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """`what` was looked at, what is `found`, and the `remedy`, where there is something to do."""

    what: str
    state: State
    found: str
    remedy: str = ""


def ok(what: str, found: str) -> Finding:
    """It is as it should be."""
    return Finding(what, State.OK, found)


def bad(what: str, found: str, remedy: str) -> Finding:
    """Something does not work as it is."""
    return Finding(what, State.BAD, found, remedy)


def note(what: str, found: str, remedy: str = "") -> Finding:
    """All works, and somebody may want to know."""
    return Finding(what, State.NOTE, found, remedy)
