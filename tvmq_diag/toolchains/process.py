"""Start the TVM process, watch it, and say how it ended. Knows nothing of TVM."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .. import foreign
from ..errors import SetupError
from ..instruments import protocol
from ..instruments.protocol.jobs import ScriptJob, TracedJob
from ..instruments.protocol.schema import HIDDEN, JOURNAL, PARENT, UNWRITABLE
from ..trace.ending import Ending, How, output_tail
from ..trace.layout import JOB, OUTPUT
from . import needs, scratch
from .follower import Follower, Progress
from .limits import Limits, resident_bytes
from .toolchain import Toolchain

INSTRUMENTS = Path(protocol.__file__).parent.parent
"""What runs inside a TVM process, and is started as a program."""

_POLL_S = 0.1

_MARK = "TVMQ_DIAG_PROCESS"
"""In the environment of the child and of all that it starts, whatever session they move to."""


OFFLINE = {"TOPHUB_LOCATION": "NONE"}
"""Else TVM downloads tuned schedules for some targets in the middle of a build, and what comes out
depends on the network (python/tvm/autotvm/tophub.py)."""


@dataclass(frozen=True)
class ScriptOutput:
    """What a script printed, stderr included, and how it ended: an exit code, or -signal."""

    text: str
    code: int


def run(
    toolchain: Toolchain,
    job: TracedJob,
    limits: Limits,
    watch: Callable[[Progress], None] = lambda progress: None,
    command: list[str] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Ending:
    """Run a job (see instruments.tasks.compile) to its end, whatever that is.

    `job.trace` is the folder for the trace; it is created. Ctrl-C, or `stop`, where that
    reaches another thread, ends the child and comes back as an Ending too. What it leaves in
    the temporary folder or in the background ends with it.
    `command` replaces the child's program, for tests.

    Raises SetupError when the interpreter cannot be started, or nothing can be recorded.
    """
    folder = Path(job.trace)
    folder.mkdir(parents=True, exist_ok=True)
    files = _KeptFiles(folder, job.TASK)
    foreign.write(files.job, json.dumps(job.to_json(), indent=1))
    program = command or [str(toolchain.python), str(INSTRUMENTS)]
    mark = secrets.token_hex(16)
    files.output.unlink(missing_ok=True)
    with files.output.open("xb") as output, scratch.folder() as temporary:
        own = {_MARK: mark, PARENT: str(os.getpid())}
        if not isinstance(job, ScriptJob):  # what a script of somebody's own leaves is theirs
            own |= {"TMPDIR": str(temporary), **OFFLINE, **_hidden(toolchain, job)}
        try:
            child = subprocess.Popen(
                [*program, str(files.job)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(toolchain) | own,
                start_new_session=True,
            )
        except OSError as error:
            raise SetupError(f"cannot start {program[0]}: {error.strerror}") from error
        try:
            ending = _watch(child, files, limits, watch, stop)
        finally:
            _end_marked(mark)
    if ending.code == UNWRITABLE:
        free = shutil.disk_usage(folder).free
        raise SetupError(
            f"what TVM's process records cannot be written to {folder}, where {free >> 20} MiB are"
            " free: free some, or give --out a folder on another disk"
        )
    return ending


def run_script(toolchain: Toolchain, script: Path, timeout: float) -> ScriptOutput | None:
    """Run a script in the toolchain's Python; None if it is not done after `timeout` seconds."""
    try:
        done = subprocess.run(
            [str(toolchain.python), str(script)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(toolchain) | OFFLINE,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return ScriptOutput(done.stdout.decode("utf-8", "replace"), done.returncode)


def _watch(
    child: subprocess.Popen[bytes],
    files: _KeptFiles,
    limits: Limits,
    watch: Callable[[Progress], None],
    stop: Callable[[], bool],
) -> Ending:
    began = time.monotonic()
    follower = Follower(files.folder / JOURNAL)
    peak = 0
    how = How.FINISHED
    try:
        while child.poll() is None:
            time.sleep(_POLL_S)
            peak = max(peak, resident_bytes(child.pid))
            progress = follower.read()
            if progress is not None:
                watch(progress)
            if peak > limits.memory:
                how = How.OUT_OF_MEMORY
            elif time.monotonic() - began > limits.timeout:
                how = How.TIMED_OUT
            elif stop():
                how = How.INTERRUPTED
            if how != How.FINISHED:
                break
    except KeyboardInterrupt:
        how = How.INTERRUPTED
    finally:
        _end(child)
    code = child.returncode
    if how == How.FINISHED and code < 0:
        how = How.SIGNAL
    return Ending(how, code, time.monotonic() - began, peak, files.tail())


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started; a compile has nothing to tidy up."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _end_marked(mark: str) -> None:
    """End what the child, or a model's function in it, started in the background and left."""
    wanted = f"{_MARK}={mark}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone, or somebody else's
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)


def _hidden(toolchain: Toolchain, job: TracedJob) -> dict[str, str]:
    """What a job's model has no use for. What somebody's own TVM, or a part of it, wants, nobody
    knows."""
    model = getattr(job, "model", None)
    is_ours = toolchain.named and toolchain.overlay is None and toolchain.extension is None
    names = needs.unneeded(model.source) if is_ours and model is not None else []
    return {HIDDEN: ",".join(names)} if names else {}


def _environment(toolchain: Toolchain) -> dict[str, str]:
    own = {"PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"}
    return toolchain.environment | own


class _KeptFiles:
    """The files kept of a process, in its trace's folder: its job, and what it printed."""

    def __init__(self, folder: Path, task: str) -> None:
        self.folder = folder
        prefix = f"{task}." if task == "investigate" else ""  # it looks into another one's trace
        self.job, self.output = folder / f"{prefix}{JOB}", folder / f"{prefix}{OUTPUT}"

    def tail(self) -> str:
        """The end of what was printed."""
        try:
            return output_tail(self.output)
        except OSError:
            return ""
