"""Arrays from .npy and .npz files of anybody's: nothing is unpickled, and no room is made for what
a header claims before it is known to be there."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from . import room
from .errors import ModelError, line
from .files import existing

_MOST = 4 << 30
"""Bytes that the arrays of one archive may come to: some 200 bytes of it can claim a terabyte."""

_WRITE = "write it with numpy.save"


def of_npy(path: Path) -> np.ndarray:
    """The array of an .npy file. Raises ModelError."""
    try:
        with existing(str(path), "data file").open("rb") as file:
            return _array(file, str(path), path.stat().st_size)
    except ModelError:
        raise
    except Exception as error:  # whatever numpy meets in what is no array
        raise ModelError(f"{path} cannot be read as .npy: {line(error)}; {_WRITE}") from error


def of_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz archive by name. Raises ModelError."""
    try:
        with zipfile.ZipFile(str(existing(str(path), "data file"))) as archive:
            return _of_members(path, archive)
    except ModelError:
        raise
    except Exception as error:  # whatever zipfile, a decompressor or numpy meets
        raise ModelError(f"{path} cannot be read as .npz: {line(error)}; {_WRITE}z") from error


def _of_members(path: Path, archive: zipfile.ZipFile) -> dict[str, np.ndarray]:
    members = archive.infolist()
    for member in members:
        if not member.filename.endswith(".npy"):
            raise ModelError(f"{path} holds {member.filename!r}, which is no array: {_WRITE}z")
    if sum(member.file_size for member in members) > _MOST:
        raise ModelError(
            f"{path} comes to more than {_MOST >> 30} GiB when it is unpacked: give fewer samples, "
            "or a folder of .npy files"
        )
    arrays = {}
    for member in members:
        name = member.filename[: -len(".npy")]
        with archive.open(member) as file:
            arrays[name] = _array(file, f"{name!r} in {path}", member.file_size)
    return arrays


def _array(file: IO[bytes], where: str, size: int) -> np.ndarray:
    """The array of a stream of that many bytes. Raises ModelError, ValueError, OSError, and what
    decompressors raise."""
    shape, in_columns, dtype = _header(file)
    if dtype.hasobject:
        raise ModelError(
            f"{where} holds Python objects, which are not unpickled: save numbers, as float32"
        )
    claimed = room.elements(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or claimed > size:
        raise ModelError(
            f"{where} is cut off or damaged: its header claims {dtype}{list(shape)}, and "
            f"{size:,} bytes are there"
        )
    room.check(where, claimed, "give fewer samples")
    data = bytearray(claimed)
    view, done = memoryview(data), 0
    while done < claimed:
        piece = file.read(min(1 << 20, claimed - done))
        if not piece:
            raise ModelError(f"{where} is cut off: {done:,} of {claimed:,} bytes are there")
        view[done : done + len(piece)] = piece
        done += len(piece)
    array: np.ndarray = np.frombuffer(data, dtype)
    return array.reshape(shape, order="F" if in_columns else "C")


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, Any]:
    """The shape, whether it is in Fortran's order, and the dtype. Raises ValueError, and what else
    numpy meets."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        header: Any = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        header = np.lib.format.read_array_header_2_0(file)
    else:  # the third is of records with names that are not Latin, and no model takes records
        raise ValueError(f"it is .npy of version {version[0]}.{version[1]}")
    return header  # type: ignore[no-any-return]
