"""A cell: the tool's own trace of one model in one configuration, in a process of its own.

What comes of it is one thing that can be kept and sent: the run's folder, packed.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ...toolchains import scratch
from .maker import Maker

_PR_SET_PDEATHSIG = 1
_KERNEL = ctypes.CDLL(None)

_GRACE_S = 20.0
"""What a trace that is told to end may take for ending its TVM and writing what it has."""

_DONE = (0, 1)
"""Exit codes of a trace that came to verdicts, good or not."""


@dataclass(frozen=True)
class Task:
    """What a cell is to run. `files`: absolute paths that the arguments name, which may be sent.
    `room`: options that change no result that is kept, of memory."""

    model: str
    """As `--model` takes it; a file's path is absolute."""
    configuration: str
    tvm: str
    """The name of a toolchain or, with `python`, whatever."""
    python: str | None
    arguments: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    room: tuple[str, ...] = ()

    @property
    def command(self) -> list[str]:
        """The options of `trace`, but for --out."""
        chain = ["--tvm-python", self.python] if self.python else ["--tvm", self.tvm]
        return [
            "--model", self.model, "--dtype", self.configuration, *chain, "--no-reference",
            "--jobs", "1", *self.arguments, *self.room,
        ]  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What a cell's process came to. `run`: its folder, packed; None with a `problem`, which is no
    outcome of the model: it could not be tried. `maker`: the TVM and the tool it ran with."""

    run: bytes | None
    seconds: float
    maker: Maker
    problem: str | None = None


Started = Callable[["subprocess.Popen[str]"], None]


def do(task: Task, maker: Maker, started: Started = lambda process: None) -> Answer:
    """Run a cell to its end. `started` gets the process, to end it by `end`."""
    began = time.monotonic()
    with scratch.folder() as folder:
        out = folder / "run"
        process = _start([*task.command, "--out", str(out)])
        started(process)
        errors = process.communicate()[1]
        seconds = round(time.monotonic() - began, 1)
        if process.returncode in _DONE and out.is_dir():
            return Answer(packed(out), seconds, maker)
        return Answer(None, seconds, maker, _problem(process.returncode, errors))


def with_files(task: Task, sent: Mapping[str, bytes], folder: Path) -> Task:
    """The task with those of its files that are not here as they were sent, in the folder."""
    for path, content in sent.items():
        if _same(Path(path), content):
            continue
        here = folder / hashlib.sha256(content).hexdigest()[:12] / Path(path).name
        here.parent.mkdir(parents=True, exist_ok=True)
        here.write_bytes(content)
        task = replace(
            task,
            model=task.model.replace(path, str(here)),
            arguments=tuple(str(here) if a == path else a for a in task.arguments),
        )
    return task


def end(process: subprocess.Popen[str]) -> None:
    """End a cell's process and its TVM, as TERM ends a trace."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_S
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        process.kill()


def packed(folder: Path) -> bytes:
    """All regular files of a folder in one archive (zip), by their names in it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                archive.write(path, path.relative_to(folder).as_posix())
    return content.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Put an archive of `packed` into a folder that is made. Raises BadZipFile, OSError.

    What leads out of the folder by its name lands inside it (zipfile.ZipFile.extract).
    """
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)


def _start(options: list[str]) -> subprocess.Popen[str]:
    parent = os.getpid()

    def die_with_parent() -> None:  # in the child: nobody would read what it says
        _KERNEL.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return subprocess.Popen(
        [sys.executable, "-m", "tvmq_diag", "trace", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # Ctrl-C is for the zoo, which ends it
        preexec_fn=die_with_parent,
    )


def _problem(code: int, errors: str) -> str:
    """Why there is no result, in a line."""
    if code < 0:
        return f"the tool's own process was ended by {signal.Signals(-code).name}"
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if line.startswith("error: ")), "")
    return (said.removeprefix("error: ") or (lines or [f"exit code {code}"])[-1])[:600]


def _same(path: Path, content: bytes) -> bool:
    try:
        return path.is_file() and path.read_bytes() == content
    except OSError:
        return False
