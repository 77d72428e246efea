"""Folders for what is of no use after a run. What a killed run leaves, the next one removes."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_PREFIX = "tvmq-run-"
_MAKING = threading.Lock()
"""Else one thread may remove the folder that another has just made, and not locked yet."""
_OWNER = ".owner"
"""A file in each folder that its run keeps locked. The kernel unlocks it when that ends, whatever
ends it, so an unlocked one is of a run that is no more."""


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A new folder in the temporary folder, gone at the end of the block. Raises OSError."""
    with _MAKING:
        sweep()
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        owner = (path / _OWNER).open("w")
        fcntl.flock(owner, fcntl.LOCK_EX)
    try:
        with owner:
            yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sweep() -> None:
    """Remove the folders of runs that are no more."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError), (path / _OWNER).open("r+") as owner:
            if _is_free(owner):
                shutil.rmtree(path, ignore_errors=True)


def _is_free(owner: TextIO) -> bool:
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
