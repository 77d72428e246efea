"""Experiments that may kill their process, each in one of its own.

A forked process has the modules of the one it comes from and none of its threads: TVM must not
have started its thread pool before, or must have been told to use one thread (TVM_NUM_THREADS=1).
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import json
import os
import select
import signal
import time
from pathlib import Path
from typing import Any, Callable

from .tvm_types import Expr

_PR_SET_PDEATHSIG = 1

_POLL_S = 0.01

APART_SECONDS = 30.0
"""How long all work that is done apart may take."""

SECONDS = 60.0
"""How long one experiment may take."""


class Died(Exception):
    """The process of an experiment ended by itself, without an exception.

    All deaths read alike: a corrupted heap ends by another signal from one time to the next.
    """

    def __init__(self) -> None:
        super().__init__("the process dies")


class Hung(Exception):
    """The experiment did not end in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"still running after {seconds:.0f} s")


def isolated(work: Callable[[Any], None], seconds: float = SECONDS) -> Callable[[Any], None]:
    """The same work, in a process of its own each time.

    It returns or raises as `work` does (an exception comes back as a class of the same name with
    the same text), and raises Died or Hung where `work` would have taken everything with it.
    """

    def run(argument: Expr) -> None:
        reading, writing = os.pipe()
        parent, child = os.getpid(), os.fork()
        if child == 0:
            _in_child(work, argument, writing, parent)
        os.close(writing)
        try:
            answer = _answer(reading, seconds)
        finally:
            os.close(reading)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        if answer is None:
            raise Hung(seconds)
        if not answer:
            raise Died
        error = json.loads(answer.decode("utf-8"))
        if error is not None:
            raise again(*error)

    return run


def apart(work: Callable[[], None], seconds: float = APART_SECONDS) -> str | None:
    """Do all of the work in a process of its own. None when it is done, else why it is not, in a
    clause. What it leaves on disk is its only result."""
    parent, child = os.getpid(), os.fork()
    if child == 0:
        _in_child(lambda _: work(), None, os.open(os.devnull, os.O_WRONLY), parent)
    until = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return None if status == 0 else "the process that looked into it died"
        if time.monotonic() > until:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return f"it was not known after {seconds:.0f} s"
        time.sleep(_POLL_S)


def again(name: str, message: str) -> Exception:
    """An exception that reads like one that another process raised."""
    error: Exception = type(name, (Exception,), {})(message)
    return error


def die_with_parent(parent: int | None = None) -> None:
    """On Linux, end when the process that started this one is killed: nobody would read on.

    `parent` is that process's number, where it is known: it may have been killed before this is
    called, and then nothing says so any more.
    """
    with contextlib.suppress(Exception):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if parent is not None and os.getppid() != parent:
            os._exit(1)
        Path("/proc/self/oom_score_adj").write_text("1000")  # and before it, if memory runs out


def die_at_once() -> None:
    """Undo what TVM does when it is imported: on SIGSEGV it prints a backtrace, which needs memory,
    and on a corrupted heap waits for it forever."""
    for deadly in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
        signal.signal(deadly, signal.SIG_DFL)


def _in_child(work: Callable[[Any], None], argument: Expr, writing: int, parent: int) -> None:
    """Work, say what came of it, and end without any of the parent's own tidying up."""
    error: list[str] | None = None
    try:
        die_with_parent(parent)
        faulthandler.disable()  # dozens of expected deaths would fill the output
        die_at_once()
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        try:
            work(argument)
        except BaseException as raised:
            error = [type(raised).__name__, str(raised)]
        text = json.dumps(error).encode("utf-8", "backslashreplace")
        while text:
            text = text[os.write(writing, text) :]
    finally:
        os._exit(0)


def _answer(reading: int, seconds: float) -> bytes | None:
    """All that the child writes until it ends; None if it does not end in time."""
    until = time.monotonic() + seconds
    answer = b""
    while True:
        remaining = until - time.monotonic()
        ready = select.select([reading], [], [], max(0.0, remaining))[0]
        if not ready:
            return None
        piece = os.read(reading, 65536)
        if not piece:
            return answer
        answer += piece
