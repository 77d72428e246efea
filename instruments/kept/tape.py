"""Passes on record, told again in the trace of a process that took what they made.

They keep the times that they took in the run that made them, and the trace says which they are.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any, Iterator

from ..recording.journal import table_name
from ..recording.recorder import Recorder
from ..tvm_types import IRModule
from . import entry

_TOLD = ("enter", "leave", "snapshot", "warning")
_NAME = "tape.json"


class Tape:
    """The events of some passes: times in ms from when the first began, numbers of passes and
    snapshots from 1."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._record: dict[str, Any] = {}
        self._tables: list[tuple[Path, str]] = []

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Record the passes that run inside the block."""
        recorder, journal = self._recorder, self._recorder.journal
        passes, snapshots, began = recorder.passes, recorder.snapshots.number, journal.now()
        copied: list[dict[str, Any]] = []
        with journal.copied(copied):
            yield
        events = [_shifted(event, -passes, -snapshots, -began) for event in copied]
        self._tables = [
            (journal.directory / before["table"], after["table"])
            for before, after in zip(copied, events)
            if before.get("table")
        ]
        self._record = {
            **entry.made_now(journal.now() - began),
            "passes": recorder.passes - passes,
            "snapshots": recorder.snapshots.number - snapshots,
            "events": events,
        }

    @property
    def whole(self) -> bool:
        """Are all passes on record that ran, from the outermost on, and did none fail?"""
        events = self._record.get("events", [])
        kinds = {event["kind"] for event in events}
        numbers = [event[name] for event in events for name in _NUMBERS if event.get(name)]
        return "enter" in kinds and kinds <= {*_TOLD} and min(numbers) > 0

    def save(self, folder: Path) -> None:
        """Leave the events and their op tables in a folder. Raises OSError."""
        (folder / "snapshots").mkdir()
        for table, name in self._tables:
            shutil.copy(str(table), str(folder / name))
        (folder / _NAME).write_text(json.dumps(self._record), encoding="utf-8")


def tell(recorder: Recorder, folder: Path, what: str, module: IRModule) -> None:
    """Write the passes on the tape in `folder` into a trace: they made `module`. Nothing where the
    recorder is paused.

    Raises OSError, ValueError, KeyError before anything is written.
    """
    record = json.loads((folder / _NAME).read_text(encoding="utf-8"))
    if recorder.muted:
        return
    journal, passes, snapshots = recorder.journal, recorder.passes, recorder.snapshots.number
    began = journal.now()
    events = [_shifted(event, passes, snapshots, began) for event in record["events"]]
    for before, after in zip(record["events"], events):
        if before.get("table"):
            shutil.copy(str(folder / before["table"]), str(journal.directory / after["table"]))
    numbers = [passes + 1, passes + record["passes"]]
    journal.event("taken", what=what, made=record["made"], ms=record["ms"], passes=numbers)
    journal.tell(events, record["ms"])
    recorder.take(record["passes"], record["snapshots"], module)


_NUMBERS = ("id", "parent", "snapshot")


def _shifted(event: dict[str, Any], passes: int, snapshots: int, ms: float) -> dict[str, Any]:
    """The same event where so many passes and snapshots came before it, and so much time."""
    shifted = {**event, "t": round(event["t"] + ms, 3)}
    by = {"id": snapshots if event["kind"] == "snapshot" else passes, "parent": passes}
    by["snapshot"] = snapshots
    for name in _NUMBERS:
        if event.get(name) is not None:
            shifted[name] = event[name] + by[name]
    if event.get("table"):
        shifted["table"] = table_name(shifted["id"])
    return shifted
