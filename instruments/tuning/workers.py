"""Trials in processes of their own: what a batch makes ready side by side runs one by one.

A forked process has none of the threads of the one that it comes from, so that one must not have
started TVM's thread pool: it builds nothing and runs nothing itself.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import select
import signal
import time
from dataclasses import dataclass
from typing import Any, Callable, Sequence

from .. import sandbox

Run = Callable[[], Any]
"""What is timed: returns what JSON can say."""

DIED = "the process dies"


@dataclass(frozen=True)
class Limits:
    """Seconds that a trial may take to be made ready, from the start of its batch, and to run."""

    ready: float = 20.0
    run: float = 10.0


@dataclass(frozen=True)
class Outcome:
    """`value` is what the trial returned; `error` says in a clause why there is none. `hung`: it
    did not end in time."""

    value: Any = None
    error: str | None = None
    hung: bool = False


def batch(trials: Sequence[Callable[[], Run]], limits: Limits) -> list[Outcome]:
    """What comes of each trial. A trial makes something ready (it builds a kernel), beside the
    others, and returns what is to run then, alone on the machine."""
    workers = [_Worker(trial) for trial in trials]
    try:
        until = time.monotonic() + limits.ready
        for worker in workers:
            worker.wait(until - time.monotonic(), limits.ready)
        return [worker.run(limits.run) for worker in workers]
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process with one trial: it says that it is ready, waits for its turn, and answers."""

    def __init__(self, trial: Callable[[], Run]) -> None:
        self._answers, writing = os.pipe()
        reading, self._turn = os.pipe()
        parent, self._child = os.getpid(), os.fork()
        if self._child == 0:
            os.close(self._answers)
            os.close(self._turn)
            _in_child(trial, reading, writing, parent)
        os.close(reading)
        os.close(writing)
        self._text = b""
        self._outcome: Outcome | None = None

    def wait(self, seconds: float, limit: float) -> None:
        """Until it is ready, or will not be any more."""
        line = self._line(seconds)
        if line is None:
            self._outcome = Outcome(error=f"still building after {limit:.0f} s", hung=True)
            self.end()
        elif line != "ready":
            self._outcome = _outcome(line)

    def run(self, seconds: float) -> Outcome:
        """Give it its turn; what it came to."""
        if self._outcome is None:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._turn, b"\n")
            line = self._line(seconds)
            if line is None:
                self._outcome = Outcome(error=f"still running after {seconds:.0f} s", hung=True)
            else:
                self._outcome = _outcome(line)
        self.end()
        return self._outcome

    def end(self) -> None:
        """End the process, if it has not ended; ending twice is allowed."""
        if self._child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
            os.close(self._answers)
            os.close(self._turn)
            self._child = 0

    def _line(self, seconds: float) -> str | None:
        """The next line that it writes, empty if it ends without one; None: not in time."""
        until = time.monotonic() + seconds
        while b"\n" not in self._text:
            remaining = max(0.0, until - time.monotonic())
            if not select.select([self._answers], [], [], remaining)[0]:
                return None
            piece = os.read(self._answers, 65536)
            if not piece:
                return ""
            self._text += piece
        line, _, self._text = self._text.partition(b"\n")
        return line.decode("utf-8", "replace")


def _outcome(line: str) -> Outcome:
    if not line:
        return Outcome(error=DIED)
    value, error = json.loads(line)
    return Outcome(value, error)


def _in_child(trial: Callable[[], Run], turn: int, writing: int, parent: int) -> None:
    """Make ready, wait, run, and end without any of the parent's own tidying up."""
    try:
        sandbox.die_with_parent(parent)
        faulthandler.disable()  # deaths are expected
        sandbox.die_at_once()
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        try:
            run = trial()
            os.write(writing, b"ready\n")
            os.read(turn, 1)
            answer = json.dumps([run(), None])
        except BaseException as error:
            answer = json.dumps([None, _said(error)])
        text = answer.encode("utf-8", "backslashreplace") + b"\n"
        while text:
            text = text[os.write(writing, text) :]
    finally:
        os._exit(0)


def _said(error: BaseException) -> str:
    """What an exception says, in a line: of TVM's the last one has the message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1] if lines else ''}"[:300]
