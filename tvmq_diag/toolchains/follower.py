"""Where a compile is, read from the journal that it is writing."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from ..decoding import Damage
from ..trace import events
from ..trace.events import Enter, Investigation, Knobs, Leave, Looking, Stage, TraceEvent, Unwind
from ..trace.journal import event_of


@dataclass(frozen=True)
class Progress:
    """Where a compile is: its stage, the innermost open pass, how many passes have begun.

    After a failure: DIAGNOSIS, what is being found out, how many experiments have been made. `of`
    says what `count` counts. `blamed`: the op and the settings behind a failure are on record.
    """

    stage: str
    pass_name: str
    count: int
    of: str = "passes"
    blamed: bool = False


DIAGNOSIS = "diagnosis"
"""The stage of a progress line while a failure is looked into."""


class Follower:
    """Reads a growing journal for the progress line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""
        self._open: list[tuple[int, str]] = []
        self._stage = "start"
        self._passes = 0
        self._looking: str | None = None
        self._queries = 0
        self._blamed = False
        self._step: tuple[str, int, str] | None = None

    def read(self) -> Progress | None:
        """The newest state; None if nothing was added."""
        try:
            with self._path.open("rb") as journal:
                journal.seek(self._offset)
                added = journal.read()
        except OSError:
            return None
        if not added:
            return None
        self._offset += len(added)
        *lines, self._rest = (self._rest + added).split(b"\n")
        for line in lines:
            with contextlib.suppress(Damage):
                self._event(event_of(line, events.DECODER))
        if self._looking is not None:
            return Progress(DIAGNOSIS, self._looking, self._queries, "experiments", self._blamed)
        if self._step is not None:
            return Progress(self._stage, *self._step)
        name = self._open[-1][1] if self._open else ""
        return Progress(self._stage, name, self._passes)

    def _event(self, event: TraceEvent | None) -> None:
        self._step = None
        match event:
            case Stage():
                self._stage = event.name
            case Enter():
                self._stage = event.stage
                self._passes += 1
                self._open.append((event.id, event.name))
            case Leave():
                self._end({event.id})
            case Unwind():
                self._end(set(event.passes))
            case events.Progress():
                self._step = (event.what, event.done, f"of {event.of}")
            case Looking():
                self._looking = event.what or self._looking
                self._queries = self._queries if event.queries is None else event.queries
            case Knobs():
                self._blamed = True
            case Investigation():
                self._looking = "on the way to the pass that failed"

    def _end(self, passes: set[int]) -> None:
        self._open = [item for item in self._open if item[0] not in passes]
