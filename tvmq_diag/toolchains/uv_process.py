"""uv, run as a program: what it says is shown and kept."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from .. import foreign
from ..errors import SetupError
from .recipes import OWN_TVM
from .uv_settings import SYSTEM_CERTS

_PR_SET_PDEATHSIG = 1


_REFUSED_CERTIFICATE = ("invalid peer certificate", "UnknownIssuer", "certificate verify failed")


@dataclass(frozen=True)
class Done:
    """What uv said, and why it did not succeed; None if it did."""

    lines: list[str]
    failure: str | None


def run(
    arguments: list[str],
    environment: Mapping[str, str],
    log: TextIO,
    lock: TextIO,
    shown: bool = True,
) -> Done:
    """Run uv, showing what it says on stderr, if it is `shown`, and keeping it in the log.

    Where it refuses a certificate, it is run once more with those that the system trusts: a proxy
    that looks into connections has one of its own, which uv's list has not.

    Whatever ends this process ends uv and what uv started too, and until the last of them is gone
    the file `lock` stays locked: none of them writes beside the next installation.

    Raises SetupError when there is no uv.
    """
    done = _run(arguments, environment, log, lock, shown)
    if not _refused(done) or environment.get(SYSTEM_CERTS):
        return done
    again = f"uv refused a certificate: once more with those of the system ({SYSTEM_CERTS}=1)\n"
    log.write(again)
    print(again, end="", file=sys.stderr, flush=True)
    done = _run(arguments, {**environment, SYSTEM_CERTS: "1"}, log, lock, shown)
    if not _refused(done):
        return done
    remedy = "the system does not know who signed it: name a file with that in SSL_CERT_FILE"
    return Done(done.lines, f"{done.failure}; {remedy}")


def _refused(done: Done) -> bool:
    """Did it fail at a certificate?"""
    said = any(words in line for line in done.lines for words in _REFUSED_CERTIFICATE)
    return done.failure is not None and said


def _run(
    arguments: list[str], environment: Mapping[str, str], log: TextIO, lock: TextIO, shown: bool
) -> Done:
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
                if shown:
                    print(foreign.printable(line), end="", file=sys.stderr, flush=True)
                log.write(line)
                lines.append(line)
        except BaseException:  # Ctrl-C: nothing may go on writing into the directory
            process.terminate()
            raise
    if process.returncode == 0:
        return Done(lines, None)
    return Done(lines, _cause(lines) or f"uv ended with exit code {process.returncode}")


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
    """What failed, its root cause, and uv's hint, out of its output (the last line, if it has
    none of them)."""
    stripped = [line.strip() for line in lines if line.strip()]
    said = {word: _said(stripped, word) for word in ("error:", "cause:", "hint:")}
    what = ": ".join(said["error:"][-1:] + said["cause:"][-1:])
    hint = "".join(f"; uv's hint: {one}" for one in said["hint:"][-1:] if what)
    return f"{what}{hint}" or "".join(stripped[-1:])


def _said(lines: list[str], word: str) -> list[str]:
    return [line.removeprefix(word).strip() for line in lines if line.startswith(word)]
