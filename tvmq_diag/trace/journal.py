"""The reading end of a trace: whatever a process wrote before it ended, however it ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..instruments.protocol.schema import JOURNAL, SCHEMA


@dataclass
class Events:
    """The events of a journal in order, and what was wrong with it (empty if nothing)."""

    events: list[dict[str, Any]]
    problems: list[str]


def read(directory: Path) -> Events:
    """Read `directory`/journal.jsonl up to its last whole line.

    A process that is killed leaves at most one cut line, the last; it is left out and reported.

    Raises UsageError when there is no journal, or when a newer version of this project wrote it.
    """
    path = directory / JOURNAL
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UsageError(f"no trace in {directory}: it has no readable {JOURNAL}") from error
    events: list[dict[str, Any]] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        event = _parse(line)
        if event is None:
            problems.append(f"line {number} of the journal is cut or damaged")
        else:
            events.append(event)
    if events and events[0].get("schema", SCHEMA) > SCHEMA:
        raise UsageError(
            f"{directory} was written by a newer tvmq_diag (journal version "
            f"{events[0]['schema']}, this one reads {SCHEMA}); update tvmq_diag"
        )
    return Events(events, problems)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("kind"), str) else None
