"""Where a compile is, read from the journal that it is writing."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Progress:
    """Where a compile is: its stage, the innermost open pass, how many passes have begun.

    After a failure: DIAGNOSIS, what is being found out, how many experiments have been made. `of`
    says what `count` counts.
    """

    stage: str
    pass_name: str
    count: int
    of: str = "passes"


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
            with contextlib.suppress(ValueError, KeyError, TypeError):
                self._event(json.loads(line))
        if self._looking is not None:
            return Progress(DIAGNOSIS, self._looking, self._queries, "experiments")
        if self._step is not None:
            return Progress(self._stage, *self._step)
        name = self._open[-1][1] if self._open else ""
        return Progress(self._stage, name, self._passes)

    def _event(self, event: dict[str, Any]) -> None:
        kind = event["kind"]
        self._step = None
        if kind == "stage":
            self._stage = event["name"]
        elif kind == "enter":
            self._stage = event["stage"]
            self._passes += 1
            self._open.append((event["id"], event["name"]))
        elif kind in ("leave", "unwind"):
            ended = set(event.get("passes", [event.get("id")]))
            self._open = [item for item in self._open if item[0] not in ended]
        elif kind == "progress":
            self._step = (event["what"], int(event["done"]), f"of {event['of']}")
        elif kind == "looking":
            self._looking = event.get("what", self._looking)
            self._queries = event.get("queries", self._queries)
        elif kind == "investigation":
            self._looking = "on the way to the pass that failed"
