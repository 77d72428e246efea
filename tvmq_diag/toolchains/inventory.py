"""What is in the cache: toolchains, whole, in part or of an older version, and what runs kept.

Sizes are of files on disk, each once: what uv has linked to its own cache or between toolchains is
in the size of each that has it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError
from . import usage
from .cache import cache_dir
from .installation import is_complete, root, toolchain_dir
from .packages import marker, python_in
from .recipes import RECIPES

KEPT = {
    "models": "imported models",
    "prepared": "modules before the quantizer",
    "floats": "compiled float models",
    "matrix": "cells of the support matrix",
    "tuning": "schedules that --tune tried",
    "zoo": "cells of the zoo",
    "made_here": "which runs were made on this machine, and need no --trust",
    "uv": "packages as uv fetched them",
}
"""What is kept between runs, by its folder. It is made again when it is wanted; see CHEAP."""

CHEAP = ("models", "prepared", "floats", "matrix")
"""What takes seconds to make again. The others took somebody's time, or are lost for good."""

_DISTRIBUTION = re.compile(r"(.+)-(\d[^-]*)\.dist-info$")
_TVM = ("apache_tvm", "hhb_tvm", "tvm")
_BESIDE = ("lock", "log", "used")


@dataclass(frozen=True)
class Found:
    """A toolchain in the cache. `name` is None where it is of no recipe of this version, `layers`
    are complete; `bytes` on disk; `versions` by package, as their metadata say."""

    directory: Path
    name: str | None
    complete: bool
    layers: list[str] = field(default_factory=list)
    bytes: int = 0
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def tvm(self) -> str | None:
        """The version of its TVM's wheel."""
        return next((self.versions[name] for name in _TVM if name in self.versions), None)


def toolchains() -> list[Found]:
    """All that there are, those of this version first, as the recipes are ordered."""
    current = {toolchain_dir(name): name for name in RECIPES}
    there = [path for path in current if path.is_dir()]
    try:
        others = sorted(path for path in root().iterdir() if path.is_dir() and path not in current)
    except OSError:
        others = []
    return [_found(path, current.get(path)) for path in (*there, *others)]


def _found(directory: Path, name: str | None) -> Found:
    layers = (
        [one for one in RECIPES[name].layers if marker(directory, one).is_file()] if name else []
    )
    return Found(
        directory, name, is_complete(directory), layers, size(directory), _versions(directory)
    )


def _versions(directory: Path) -> dict[str, str]:
    names = (path.name for path in directory.glob("lib/python*/site-packages/*.dist-info"))
    matched = (_DISTRIBUTION.match(name) for name in names)
    return {match[1]: match[2] for match in matched if match}


def interpreter_is_gone(found: Found) -> bool:
    """Was it complete, and the Python that it links to has been uninstalled since?"""
    return marker(found.directory).is_file() and not python_in(found.directory).is_file()


def remove(found: Found) -> None:
    """Remove a toolchain and its files beside it. Raises UsageError where it is in use, and for
    what does not lie in the cache; OSError."""
    _inside(found.directory, root())
    with usage.alone(found.directory):
        shutil.rmtree(found.directory)
        for ending in _BESIDE:
            usage.beside(found.directory, ending).unlink(missing_ok=True)


def kept() -> dict[str, int]:
    """The bytes of each thing that is kept, by its folder's name; none of what there is not."""
    folders = {name: cache_dir() / name for name in KEPT}
    return {name: size(path) for name, path in folders.items() if path.is_dir()}


def clear(name: str) -> None:
    """Remove what is kept in a folder of the cache. Raises UsageError, OSError."""
    folder = cache_dir() / name
    if name not in KEPT:
        raise UsageError(f"{name!r} is nothing that is kept: choose from {', '.join(KEPT)}")
    _inside(folder, cache_dir())
    if folder.is_dir():
        shutil.rmtree(folder)


def _inside(folder: Path, root: Path) -> None:
    """Raises UsageError for a folder that is not itself in `root`: a link leads somewhere else."""
    if folder.is_symlink() or folder.resolve().parent != root.resolve():
        raise UsageError(f"{folder} is a link, or not in {root}: nothing was removed")


def size(folder: Path) -> int:
    """The bytes on disk of the files in a folder, each once however often it is linked there."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for status in _statuses(folder):
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            total += status.st_blocks * 512
    return total


def _statuses(folder: Path) -> Iterator[os.stat_result]:
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                yield Path(path, name).lstat()
            except OSError:  # just removed
                continue
