"""Arrays from somebody's files, read without trusting them: nothing is unpickled, and what would
not fit into memory is refused before it is unpacked."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from .errors import ModelError

_UNREADABLE = (
    OSError, ValueError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError,
    OverflowError, MemoryError, SyntaxError, KeyError,
)  # fmt: skip
"""What numpy, zipfile and zlib raise for files that are not what they say."""


def archive(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an .npz file, by name. Raises ModelError."""
    _regular(path)
    try:
        with zipfile.ZipFile(str(path)) as members:
            unpacked = sum(member.file_size for member in members.infolist())
        if unpacked > _memory():
            raise ModelError(
                f"{path} has {unpacked / 2**30:.1f} GiB of arrays, more than this machine's memory"
                " holds: give it fewer"
            )
        with np.load(str(path), allow_pickle=False) as saved:
            arrays = {name: saved[name] for name in saved.files}
    except _UNREADABLE as error:
        raise ModelError(f"{path} cannot be read as .npz: {_why(error)}") from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # a member that is no .npy comes as bytes
            raise ModelError(f"{path} cannot be read as .npz: {name!r} in it is no array")
    return arrays


def single(path: Path) -> np.ndarray:
    """The array of an .npy file. Raises ModelError."""
    _regular(path)
    try:
        array = np.load(str(path), allow_pickle=False)
    except _UNREADABLE as error:
        raise ModelError(f"{path} cannot be read as .npy: {_why(error)}") from error
    if not isinstance(array, np.ndarray):
        raise ModelError(f"{path} cannot be read as .npy: it is an archive")
    return array


def _regular(path: Path) -> None:
    """Raises ModelError for what is no file: a pipe would be waited for, a device never end."""
    if not path.exists():
        raise ModelError(f"no data file {str(path)!r}")
    if not path.is_file():
        raise ModelError(f"{path} is no file")


def _memory() -> int:
    """This machine's memory, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _why(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it claims more than fits into memory"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
