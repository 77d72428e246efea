"""The record of a test session under the recorder, as instruments.pytest_recorder writes it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from .. import decoding, foreign
from ..decoding import Damage
from ..errors import UsageError
from ..instruments.protocol.recorded_tests import RECORD, SESSION, TEST, TRACES

BAD = ("failed", "error")
"""Outcomes of tests that did not do as they should, in pytest's words."""


class Session(msgspec.Struct, frozen=True, tag_field="kind", tag=SESSION):
    """How the tests were run. `keep`: of which tests the traces were kept, failed or all."""

    command: list[str] = []
    created: str | None = None
    python: str | None = None
    keep: str = "failed"


class RecordedTest(msgspec.Struct, frozen=True, tag_field="kind", tag=TEST):
    """A test: its name, what it came to in pytest's words, and its first line of error.

    `trace` is the folder of its trace, seen from the session's; it may not have been kept.
    """

    test: str
    outcome: str
    seconds: float = 0.0
    message: str | None = None
    trace: str | None = None


class TestSession(msgspec.Struct):
    """A session, its tests in the order in which they ended, and the traces of tests that never
    did: the process died in them."""

    __test__ = False

    folder: Path
    session: Session
    tests: list[RecordedTest]
    unended: list[str] = []
    problems: list[str] = []

    @property
    def bad(self) -> list[RecordedTest]:
        """The tests that failed."""
        return [test for test in self.tests if test.outcome in BAD]


_DECODER: msgspec.json.Decoder[Session | RecordedTest] = msgspec.json.Decoder(
    Session | RecordedTest
)


def is_session(folder: Path) -> bool:
    """Is it the folder of a test session?"""
    return (folder / RECORD).is_file()


def load(folder: Path) -> TestSession:
    """The session in a folder, as far as it got. Raises UsageError when there is none."""
    try:
        lines = foreign.read(folder, RECORD).splitlines()
    except (OSError, Damage) as error:
        raise UsageError(f"{folder} has no {RECORD} that can be read: {error}") from error
    result = TestSession(folder, Session(), [])
    for number, line in enumerate(lines, start=1):
        try:
            record = _DECODER.decode(line)
        except decoding.REFUSED:
            result.problems.append(f"line {number} of {RECORD} is damaged")
            continue
        if isinstance(record, Session):
            result.session = record
        else:
            result.tests.append(record)
    ended = {test.trace for test in result.tests}
    traces = folder / TRACES
    kept = [f"{TRACES}/{path.name}" for path in traces.iterdir()] if traces.is_dir() else []
    # Behind a test's name there may be a number: it ran again.
    unended = (trace for trace in kept if not ended & {trace, trace.rpartition("-")[0]})
    result.unended = sorted(unended)
    return result
