"""Who uses a toolchain: a lock that each process of this tool shares while it lives.

The kernel releases it when the process ends, whatever ends it. Who wants to remove the toolchain
needs the lock for itself.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from ..errors import UsageError

_held: dict[Path, TextIO] = {}
"""The locks of this process, by the toolchain's directory."""


def beside(directory: Path, ending: str) -> Path:
    """A file of a toolchain that is not in it: its own name may have a dot."""
    return directory.with_name(f"{directory.name}.{ending}")


def hold(directory: Path) -> None:
    """Share the lock of a toolchain until this process ends; waits for who is just removing it.

    Where the cache cannot be written nobody removes anything either, and there is no lock.
    """
    if directory in _held:
        return
    with contextlib.suppress(OSError):
        directory.parent.mkdir(parents=True, exist_ok=True)
        handle = beside(directory, "used").open("a")
        fcntl.flock(handle, fcntl.LOCK_SH)
        _held[directory] = handle


@contextlib.contextmanager
def alone(directory: Path) -> Iterator[None]:
    """For the block nobody installs into a toolchain or uses it. Raises UsageError, which says so,
    if somebody does already."""
    with contextlib.ExitStack() as opened:
        for ending in ("lock", "used"):
            handle = opened.enter_context(beside(directory, ending).open("a"))
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UsageError(
                    f"{directory.name} is in use by a run or an installation: wait for its end"
                ) from error
        yield
