"""Start the TVM process, watch it, and say how it ended. Knows nothing of TVM."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import instruments
from instruments.schema import JOURNAL

from .errors import SetupError
from .toolchain import Toolchain

FINISHED = "finished"
SIGNAL = "signal"
TIMED_OUT = "timed out"
OUT_OF_MEMORY = "out of memory"
INTERRUPTED = "interrupted"

OUTPUT = "output.txt"
"""What the process printed, inside the trace's folder."""

JOB = "job.json"
"""What it was told to do, there too."""

_POLL_S = 0.1
_TAIL_BYTES = 20_000


@dataclass(frozen=True)
class Limits:
    """What a child may use: `timeout` in seconds, `memory` in bytes of resident memory."""

    timeout: float
    memory: int


@dataclass(frozen=True)
class Ending:
    """How a child ended: one of the words above, its exit code or signal, seconds, peak bytes."""

    how: str
    code: int | None
    seconds: float
    peak_bytes: int
    tail: str

    @property
    def signal_name(self) -> str | None:
        """SIGSEGV and the like, for a child that a signal ended."""
        if self.code is None or self.code >= 0:
            return None
        try:
            return signal.Signals(-self.code).name
        except ValueError:
            return f"signal {-self.code}"


@dataclass(frozen=True)
class Progress:
    """Where a compile is: its stage, the innermost open pass, how many passes have begun.

    After a failure: DIAGNOSIS, what is being found out, how many experiments have been made.
    """

    stage: str
    pass_name: str
    count: int
    of: str = "passes"


DIAGNOSIS = "diagnosis"
"""The stage of a progress line while a failure is looked into."""


@dataclass(frozen=True)
class Said:
    """What a script printed, errors included, and how it ended: an exit code, or -signal."""

    text: str
    code: int


def run(
    toolchain: Toolchain,
    job: dict[str, Any],
    limits: Limits,
    watch: Callable[[Progress], None] = lambda progress: None,
    command: list[str] | None = None,
) -> Ending:
    """Run a job (see instruments.child) to its end, whatever that is.

    `job["trace"]` is the folder for the trace; it is created. Ctrl-C ends the child and comes back
    as an Ending too. `command` replaces the child's program, for tests.

    Raises SetupError when the interpreter cannot be started.
    """
    folder = Path(job["trace"])
    folder.mkdir(parents=True, exist_ok=True)
    files = _Files(folder, job.get("task"))
    files.job.write_text(json.dumps(job, indent=1), encoding="utf-8")
    program = command or [str(toolchain.python), str(Path(instruments.__file__).parent)]
    with files.output.open("wb") as output:
        try:
            child = subprocess.Popen(
                [*program, str(files.job)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(toolchain),
                start_new_session=True,
            )
        except OSError as error:
            raise SetupError(f"cannot start {program[0]}: {error.strerror}") from error
        return _watch(child, files, limits, watch)


def output_of(toolchain: Toolchain, script: Path, timeout: float) -> Said | None:
    """Run a script in the toolchain's Python; None if it is not done after `timeout` seconds."""
    try:
        done = subprocess.run(
            [str(toolchain.python), str(script)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(toolchain),
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return Said(done.stdout.decode("utf-8", "replace"), done.returncode)


def _watch(
    child: subprocess.Popen[bytes],
    files: _Files,
    limits: Limits,
    watch: Callable[[Progress], None],
) -> Ending:
    began = time.monotonic()
    follower = _Follower(files.folder / JOURNAL)
    peak = 0
    how = FINISHED
    try:
        while child.poll() is None:
            time.sleep(_POLL_S)
            peak = max(peak, resident_bytes(child.pid))
            progress = follower.read()
            if progress is not None:
                watch(progress)
            if peak > limits.memory:
                how = OUT_OF_MEMORY
            elif time.monotonic() - began > limits.timeout:
                how = TIMED_OUT
            if how != FINISHED:
                break
    except KeyboardInterrupt:
        how = INTERRUPTED
    finally:
        _end(child)
    code = child.returncode
    if how == FINISHED and code < 0:
        how = SIGNAL
    return Ending(how, code, time.monotonic() - began, peak, files.keep())


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started; a compile has nothing to tidy up."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def resident_bytes(pid: int) -> int:
    """Resident memory of a process in bytes; 0 where /proc does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def physical_bytes() -> int:
    """The machine's memory in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _environment(toolchain: Toolchain) -> dict[str, str]:
    return toolchain.environment | {"PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"}


class _Files:
    """What is kept of a process: its job, and what it printed.

    They lie beside the trace's folder while it runs, which must be empty when the trace begins.
    """

    def __init__(self, folder: Path, task: str | None) -> None:
        self.folder = folder
        prefix = f"{task}." if task == "investigate" else ""  # it looks into another one's trace
        self._kept = folder / f"{prefix}{JOB}", folder / f"{prefix}{OUTPUT}"
        self.job, self.output = (folder.with_name(f"{folder.name}.{p.name}") for p in self._kept)

    def keep(self) -> str:
        """Move them into the folder; the end of what was printed."""
        job, output = self._kept
        try:
            self.job.replace(job)
            self.output.replace(output)
            return tail(output)
        except OSError as error:
            print(f"cannot keep the process's output: {error}", file=sys.stderr)
            return ""


def tail(output: Path) -> str:
    """The last of what a process printed. Raises OSError."""
    with output.open("rb") as file:
        file.seek(max(0, output.stat().st_size - _TAIL_BYTES))
        return file.read().decode("utf-8", "replace")


class _Follower:
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
