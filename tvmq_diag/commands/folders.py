"""Where a run goes, and what its folder is called."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ..configuration import Configuration
from ..errors import UsageError
from ..reports.pages import index

RUNS = Path(index.RUNS)


def fresh_directory(requested: Path | None, stem: str) -> Path:
    """Where a run goes: the folder that was requested, or runs/STEM-TIME. It is not created.

    Raises UsageError when the folder requested holds something: no run is ever overwritten.
    """
    if requested is not None:
        if requested.exists() and (not requested.is_dir() or any(requested.iterdir())):
            raise UsageError(f"{requested} is there already; give --out another folder")
        return requested
    name = base = f"{stem}-{datetime.datetime.now():%Y%m%d-%H%M%S}"
    number = 1
    while (RUNS / name).exists():
        number += 1
        name = f"{base}-{number}"
    return RUNS / name


@contextlib.contextmanager
def held(directory: Path) -> Iterator[None]:
    """For the block the folder, which exists, is a run's that goes on: see `is_held`."""
    handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # of a file system that has no locks
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def is_held(directory: Path) -> bool:
    """Does a run go on in the folder, or in one inside it, as those of several TVMs do? The kernel
    forgets one that was killed."""
    inside = [path for path in directory.iterdir() if path.is_dir() and not path.is_symlink()]
    for place in (directory, *inside):
        handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            continue
        finally:
            os.close(handle)
    return False


def stem(source: str, configurations: list[Configuration]) -> str:
    """The beginning of a run's name: the model, and the configuration or how many there are."""
    model = re.sub(r"[^\w.-]+", "_", source.rpartition(":")[2].rpartition("/")[2])
    what = configurations[0].slug if len(configurations) == 1 else f"sweep{len(configurations)}"
    return f"{model}-{what}"
