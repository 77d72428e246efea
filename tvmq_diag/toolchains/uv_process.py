"""uv, run as a program: what it says is shown and kept."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from .. import foreign
from ..errors import SetupError
from .recipes import OWN_TVM

_PR_SET_PDEATHSIG = 1


def run(
    arguments: list[str], environment: Mapping[str, str], log: TextIO, lock: TextIO
) -> str | None:
    """Run uv, showing what it says on stderr and keeping it in the log.

    Whatever ends this process ends uv and what uv started too, and until the last of them is gone
    the file `lock` stays locked: none of them writes beside the next installation.

    Returns None when it succeeded, else why it did not. Raises SetupError when there is no uv.
    """
    lines = []
    with (
        subprocess.Popen(
            [_program(), *arguments],
            cwd=Path(log.name).parent,  # a pyproject.toml of the user's would configure uv
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # a group of their own, to be ended together
            preexec_fn=_die_with_parent,
            pass_fds=[lock.fileno()],
        ) as process,
        _ended_with_us(process),
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                print(foreign.printable(line), end="", file=sys.stderr, flush=True)
                log.write(line)
                lines.append(line)
        except BaseException:  # Ctrl-C: nothing may go on writing into the directory
            process.terminate()
            raise
    if process.returncode == 0:
        return None
    return _cause(lines) or f"uv ended with exit code {process.returncode}"


@contextlib.contextmanager
def _ended_with_us(process: subprocess.Popen[str]) -> Iterator[None]:
    """At the end of the block the process is, and its group ends with it; where this process is
    killed before, a shell that waits for that ends the group."""
    wait = 'read done || kill -KILL "-$0"'
    watcher = subprocess.Popen(
        ["/bin/sh", "-c", wait, str(process.pid)],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is not for it
    )
    try:
        yield
    finally:
        # Not reaped yet, so that its number is still that of the group.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        watcher.communicate(b"done\n")


def _die_with_parent() -> None:
    """On Linux, in the new process: end when this one is killed, also before anything waits for
    that. What uv starts does not inherit it."""
    with contextlib.suppress(Exception):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _program() -> str:
    # Here and not above: only an installation needs uv, not a run on a TVM of the user's own.
    try:
        import uv
    except ModuleNotFoundError as error:
        raise SetupError(
            f"installing a toolchain needs uv: pip install 'tvmq_diag[run]', or {OWN_TVM}"
        ) from error
    try:
        return uv.find_uv_bin()
    except FileNotFoundError as error:
        raise SetupError("the uv package has no program: reinstall it (pip install uv)") from error


def _cause(lines: list[str]) -> str:
    """What failed, and its root cause, out of uv's output (its last line, if it has neither)."""
    stripped = [line.strip() for line in lines if line.strip()]
    errors = [line.removeprefix("error:").strip() for line in stripped if line.startswith("error:")]
    causes = [line.removeprefix("cause:").strip() for line in stripped if line.startswith("cause:")]
    return ": ".join(errors[-1:] + causes[-1:]) or "".join(stripped[-1:])
