"""What was made on this machine: only that starts what it names without being asked.

A run or a baseline that somebody sent is data. What it says about an interpreter, a model or a
patched TVM is not followed, unless the person confirms it. That something was made here is written
down beside the cache, not in it, so that it does not travel.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from .. import foreign
from ..errors import UsageError
from ..results.run import Run
from ..toolchains.cache import cache_dir

PROGRAMS = ("py:", "torch:")
"""Sources of models that are programs, or are read by running what they hold (pickle)."""


def sign(directory: Path) -> None:
    """Write down that the run in this folder is made here."""
    _sign(directory, _identity(directory))


def sign_baseline(file: Path, source: str) -> None:
    """Write down that a baseline of the model `source` is made here."""
    _sign(file, source)


def confirm(run: Run, source: str, trusted: bool) -> None:
    """Raise UsageError, which says what would be started, for a run that was not made here.

    Not where the person trusts it. `source` is the model that the run names.
    """
    if trusted or _is_signed(run.directory, _identity(run.directory)):
        return
    facts = run.facts
    patched = f", patched by {facts.overlay}" if facts.overlay else ""
    raise UsageError(
        f"{run.directory} was not made here, or was moved: this would start {facts.python}"
        f"{patched}, and load the model {source}, because the run says so; it does with --trust"
    )


def confirm_baseline(file: Path, source: str, trusted: bool) -> None:
    """Likewise for a baseline whose model is a program; any other only names what is data.

    In pytest nobody asks: a folder that it runs in is trusted with its conftest.py as it is.
    """
    if trusted or not source.startswith(PROGRAMS) or _is_signed(file, source):
        return
    raise UsageError(
        f"{file} was not made here: this would run the model {source}, because the file says so; "
        "it does with --trust"
    )


def _sign(path: Path, identity: str) -> None:
    """Where it cannot be written, a confirmation is asked for later, and nothing else is lost."""
    with contextlib.suppress(OSError):
        mark = _mark(path)
        mark.parent.mkdir(parents=True, exist_ok=True)
        foreign.write(mark, identity)


def _is_signed(path: Path, identity: str) -> bool:
    try:
        return _mark(path).read_text(encoding="utf-8") == identity
    except (OSError, ValueError):
        return False


def _mark(path: Path) -> Path:
    place = hashlib.sha256(bytes(path.resolve())).hexdigest()[:32]
    return cache_dir() / "made_here" / place


def _identity(directory: Path) -> str:
    """Which folder it is: another one at the same place is not the one that was made."""
    status = directory.stat()
    return f"{status.st_dev} {status.st_ino}"
