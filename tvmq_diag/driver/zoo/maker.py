"""What makes a cell's result beside what was asked: TVM, tool and processor, by content."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...toolchains import fingerprint, resolution
from ..float_cache import cpu_flags

_PACKAGE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Maker:
    """A TVM and a tool on a processor, by hashes: equal on two machines that have the same."""

    version: str
    """Of TVM."""
    dialect: str
    tvm: str
    """Of its files, and the versions of the packages beside it."""
    tool: str
    """Of this package's files: a checkout changes without its version."""
    cpu: str
    """Of the processor's flags, which TVM generates code for and chooses schedules by."""

    def differs(self, other: Maker) -> str | None:
        """What two makers have not in common that makes their results different ones; None if
        there is nothing. Processors may differ: a result says on which it was made."""
        if self.tool != other.tool:
            return "tvmq_diag"
        return "TVM" if self.tvm != other.tvm else None


@functools.lru_cache(maxsize=64)
def maker(
    tvm: str, python: str | None, run: str, echo: Callable[[str], None] = lambda line: None
) -> Maker:
    """The maker on this machine, looked at once a `run` of the zoo; a toolchain is installed.

    `echo` gets a line when there is that to wait for. Raises UsageError, SetupError.
    """
    name = None if python else tvm
    path = Path(python) if python else None
    chain = resolution.resolve(name, path, echo=echo)
    taken = fingerprint.take(chain)
    return Maker(taken.version, chain.dialect, taken.files, _tool(), _cpu())


@functools.cache
def _tool() -> str:
    """With instruments and reports, which are links in a checkout and folders in a wheel."""
    digest = hashlib.sha256()
    inside = [_PACKAGE, _PACKAGE / "instruments", _PACKAGE / "reports"]
    files = {file for place in inside for file in place.resolve().rglob("*")}
    for file in sorted(files, key=lambda file: _name(file)):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(f"{_name(file)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _name(file: Path) -> str:
    """A file's name in the package, wherever that is."""
    for place in ("instruments", "reports"):
        root = (_PACKAGE / place).resolve()
        if file.is_relative_to(root):
            return f"{place}/{file.relative_to(root).as_posix()}"
    return file.relative_to(_PACKAGE).as_posix()


def _cpu() -> str:
    return hashlib.sha256(" ".join(sorted(cpu_flags())).encode()).hexdigest()
