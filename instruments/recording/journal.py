"""The writing end of a trace: one JSON object a line, handed to the kernel line by line.

An event is written with a single unbuffered write before the work it announces, so a process
that dies in the middle of a pass has already said which pass that was. Only a dying *machine*
loses lines: there is no fsync, which would cost milliseconds per event.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any, Callable, Iterator

from ..protocol.schema import JOB, JOURNAL, OUTPUT

_PROGRESS_S = 0.2
_DEEPEST = 20


class Journal:
    """Appends events to `directory`/journal.jsonl; op tables go to files of their own beside it.

    Raises OSError when the folder cannot be written. When that ends later (a full disk), `trouble`
    has the error, and nothing more is written: whoever is recorded does not notice.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "snapshots").mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.trouble: OSError | None = None
        self._descriptor = os.open(str(directory / JOURNAL), flags, 0o644)
        self._process = os.getpid()
        self._origin = time.perf_counter()
        self._copies: list[list[dict[str, Any]]] = []
        if os.fstat(self._descriptor).st_size:
            self._write(b"\n")  # a process that was killed may have cut its last line

    def event(self, kind: str, **fields: Any) -> None:
        """Write one event; `t` is milliseconds since the journal was opened. Never raises."""
        record = {"kind": kind, "t": round(self.now(), 3), **fields}
        for copy in self._copies:
            copy.append(record)
        self._write(_encoded(record))

    def now(self) -> float:
        """ms since the journal was opened, what `tell` added among them."""
        return (time.perf_counter() - self._origin) * 1e3

    @contextlib.contextmanager
    def copied(self, copy: list[dict[str, Any]]) -> Iterator[None]:
        """Put the events inside the block into a list too."""
        self._copies.append(copy)
        try:
            yield
        finally:
            self._copies.remove(copy)

    def tell(self, events: list[dict[str, Any]], ms: float) -> None:
        """Write events of another journal, with times of this one's; `ms` is the time they took in
        all, which the clock goes on from."""
        for record in events:
            self._write(_encoded(record))
        self._origin -= ms / 1e3

    def adopt(self) -> None:
        """Let this process, forked from the journal's own, write into it from here on."""
        self._process = os.getpid()

    @property
    def _writes(self) -> bool:
        """Is it open and whole, and this process the one whose journal it is?"""
        return self._descriptor >= 0 and self.trouble is None and os.getpid() == self._process

    def _write(self, line: bytes) -> None:
        if not self._writes:
            return
        try:
            while line:  # on a full disk the kernel takes a part, and refuses the rest
                line = line[os.write(self._descriptor, line) :]
        except OSError as error:
            self.trouble = error

    def progress(self, what: str) -> Callable[[int, int], None]:
        """A function that writes down how far something has got, when it is called with how much is
        done and of how much; not oftener than a person can read it."""
        last = -_PROGRESS_S

        def tell(done: int, total: int) -> None:
            nonlocal last
            now = time.perf_counter()
            if done == total or now - last >= _PROGRESS_S:
                last = now
                self.event("progress", what=what, done=done, of=total)

        return tell

    def table(self, number: int, rows: list[dict[str, Any]]) -> str:
        """Write a snapshot's op table and return its path relative to the trace."""
        name = table_name(number)
        self._file(name, json.dumps(rows, separators=(",", ":"), default=text_of))
        return name

    def text(self, name: str, text: str) -> str:
        """Write a text file (an IR dump, an error) beside the journal; returns its path."""
        self._file(name, text)
        return name

    def _file(self, name: str, text: str) -> None:
        if not self._writes:  # a forked process would write over the tables of its parent
            return
        path = self.directory / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            self.trouble = self.trouble or error
            raise

    def close(self) -> None:
        """Close the file; closing twice is allowed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def table_name(number: int) -> str:
    """Where the op table of a snapshot is in a trace."""
    return f"snapshots/{number:05d}.json"


def _encoded(record: dict[str, Any]) -> bytes:
    return _line(record).encode("utf-8", "backslashreplace") + b"\n"


def _line(record: dict[str, Any]) -> str:
    """An event as JSON; what JSON cannot say of it is said in words."""
    try:
        return json.dumps(record, separators=(",", ":"), default=text_of)
    except (TypeError, ValueError, RecursionError):  # keys that are no texts, circles, depth
        return json.dumps({name: _plain(value) for name, value in record.items()})


def _plain(value: Any, depth: int = 0) -> Any:
    """The same of what JSON knows, down to a depth that no honest fact has."""
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if isinstance(value, dict) and depth < _DEEPEST:
        return {text_of(key): _plain(inside, depth + 1) for key, inside in value.items()}
    if isinstance(value, (list, tuple)) and depth < _DEEPEST:
        return [_plain(inside, depth + 1) for inside in value]
    return "…" if depth == _DEEPEST else text_of(value)


def text_of(value: Any) -> str:
    """Somebody else's object as a text, whatever its own idea of that does."""
    try:
        return str(value)
    except Exception as error:
        return f"<{type(value).__name__}, whose text raises {type(error).__name__}>"


def fresh(path: Path) -> Path:
    """`path`, or the first of path-2, path-3, … that does not exist; created."""
    candidate, number = path, 1
    while True:
        try:
            candidate.mkdir(parents=True)
            return candidate
        except FileExistsError:
            if candidate.is_dir() and {p.name for p in candidate.iterdir()} <= {JOB, OUTPUT}:
                return candidate
            number += 1
            candidate = path.with_name(f"{path.name}-{number}")
