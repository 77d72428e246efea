"""The reading end of a journal: whatever a process wrote before it ended, however it ended.

Each task has its own kinds of events: a union of structs, with the kind as their tag.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, TypeVar, get_args

import msgspec

from .. import decoding, foreign
from ..decoding import Damage
from ..errors import UsageError
from ..instruments.protocol.schema import JOURNAL, SCHEMA

E = TypeVar("E", bound="Event")

NAME = "the journal"
"""What problems call the journal of a trace; those of measurements have other names."""


class Event(msgspec.Struct, frozen=True, tag_field="kind"):
    """A line of a journal."""


class Timed(Event, frozen=True, kw_only=True):
    """An event with its time: `t`, milliseconds since the journal was opened."""

    t: float | None = None


class _First(msgspec.Struct):
    """Of the first event: the version of the journal's layout."""

    schema: int = SCHEMA


def read(
    directory: Path, decoder: msgspec.json.Decoder[E], whose: str = NAME
) -> tuple[list[E], list[str]]:
    """The events of `directory`/journal.jsonl in order, and what was wrong with it.

    A cut line (a process that is killed leaves at most one, the last) and an event whose fields are
    not as declared are reported and left out. Kinds that the decoder does not know are from a newer
    version, and passed over. `whose` is what the problems call the journal.

    Raises UsageError when there is no journal, or one of a newer layout.
    """
    try:
        lines = foreign.read(directory, JOURNAL).split(b"\n")
    except (OSError, Damage) as error:
        raise UsageError(f"no trace in {directory}: it has no readable {JOURNAL}") from error
    _refuse_newer(directory, lines)
    events: list[E] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            event = event_of(line, decoder)
        except DamagedEvent as damaged:
            problems.append(f"event {damaged.kind!r} in {whose} is damaged")
        except Damage:
            problems.append(f"line {number} of {whose} is cut or damaged")
        else:
            if event is not None:
                events.append(event)
    return events, problems


class DamagedEvent(Damage):
    """An event of a known kind whose fields are not as declared."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def event_of(line: bytes, decoder: msgspec.json.Decoder[E]) -> E | None:
    """The event in a line; None for one of an unknown kind.

    Raises DamagedEvent for one that is not as declared, Damage for what is no event at all.
    """
    try:
        return decoder.decode(line)
    except decoding.REFUSED:  # the rare case: which of the three is it?
        record = decoding.loose(line)
    kind = record.get("kind") if isinstance(record, dict) else None
    if not isinstance(kind, str):
        raise Damage("no event")
    if kind not in _kinds(decoder.type):
        return None
    try:
        return decoding.converted(record, decoder.type)
    except Damage as error:
        raise DamagedEvent(kind) from error


@functools.cache
def _kinds(union: Any) -> frozenset[str]:
    """The kinds of a union of events."""
    return frozenset(str(event.__struct_config__.tag) for event in get_args(union))


def _refuse_newer(directory: Path, lines: list[bytes]) -> None:
    """Raise UsageError for a layout that this version does not know."""
    first = next((line for line in lines if line), b"")
    try:
        schema = decoding.decode(first, msgspec.json.Decoder(_First)).schema
    except Damage:
        return  # reported as any other damaged event
    if schema > SCHEMA:
        raise UsageError(
            f"{directory} was written by a newer tvmq_diag (journal version "
            f"{schema}, this one reads {SCHEMA}); update tvmq_diag"
        )
