"""A TVM with its Python files patched, beside the installed one, which stays as it is.

The overlay is a folder with a `tvm` package to go before the installed one: a copy of its Python
files, and links to everything else. What Python compiles goes into the overlay too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePosixPath

from ..errors import SetupError, UsageError
from . import identity
from .toolchain import Toolchain

PACKAGE = "tvm"

FOLDER = "patched-tvm"
"""Of the overlay, inside a command's output folder."""

_COMPILED = {".c", ".cc", ".cpp", ".cu", ".h", ".hpp", ".pyx", ".pxi"}


def patched(chain: Toolchain, patch: Path, folder: Path) -> Toolchain:
    """The toolchain with a unified diff of TVM's Python files applied, in an overlay in `folder`.

    Paths in the diff may begin anywhere: python/tvm/… as in a clone of TVM, site-packages/tvm/…,
    tvm/…; what lies outside the package, such as tests, is left out. `folder` is created.

    Raises UsageError for a diff that cannot be applied, SetupError where TVM cannot be found.
    """
    patch = patch.absolute()
    depth = _depth(patch)
    installed = identity.identify(chain)
    package = Path(installed.package)
    _copy(package, folder / PACKAGE)
    for library in map(Path, installed.libraries):
        if package.parent not in library.parents:  # a build from source keeps them elsewhere
            (folder / PACKAGE / library.name).symlink_to(library)
    _apply(patch, depth, folder)
    overlay = folder.absolute()
    overlaid = replace(chain, overlay=overlay)
    runs = Path(identity.identify(overlaid).package)
    if runs != overlay / PACKAGE:
        raise SetupError(
            f"{chain.python} imports tvm from {runs} whatever PYTHONPATH says: name the python of"
            " an environment where it does not with --tvm-python"
        )
    return overlaid


def _copy(package: Path, to: Path) -> None:
    """Python files as files of our own, anything else as links."""

    def place(source: str, target: str) -> str:
        if source.endswith(".py"):
            return shutil.copy2(source, target)  # with its age: results are cached by it
        Path(target).symlink_to(Path(source).resolve())
        return target

    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(package, to, ignore=ignored, copy_function=place)


def _depth(patch: Path) -> int:
    """How many folders lead to the package in the diff's paths. Raises UsageError."""
    try:
        text = patch.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"--patch {patch}: {error.strerror or error}") from error
    paths = [PurePosixPath(path) for path in _paths(text)]
    if not paths:
        raise UsageError(f"--patch {patch} is no unified diff: make one with `git diff` in TVM")
    compiled = [path for path in paths if path.suffix in _COMPILED]
    if compiled:
        raise UsageError(
            f"--patch {patch} changes {compiled[0]}, which must be compiled: build that TVM, and"
            " compare the two with --tvm-python twice"
        )
    depths = {path.parts.index(PACKAGE) for path in paths if _inside(path)}
    if len(depths) != 1:
        why = "to several folders named tvm" if depths else "to no file of TVM's Python package"
        raise UsageError(f"--patch {patch} is {why}: make it with `git diff` in TVM")
    return depths.pop()


def _inside(path: PurePosixPath) -> bool:
    """Is it in the package? In a clone, tests/python/… and python/tvm/… lie side by side."""
    return PACKAGE in path.parts[:-1] and "tests" not in path.parts


def _paths(text: str) -> Iterator[str]:
    """The files of a diff, those it adds and removes too."""
    lines = text.splitlines()
    for old, new in pairwise(lines):
        if old.startswith("--- ") and new.startswith("+++ "):
            for line in (old, new):
                path = line[4:].split("\t")[0].strip().strip('"')
                if path != "/dev/null":
                    yield path


def _apply(patch: Path, depth: int, folder: Path) -> None:
    """Let git apply it: all of it, or nothing. Raises UsageError."""
    command = ["git", "apply", f"-p{depth}", f"--include={PACKAGE}/*", str(patch)]
    # Inside a checkout, git would take the paths to begin at its top, and skip them.
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.absolute().parent)}
    environment.pop("GIT_DIR", None)
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError("--patch needs git on the PATH, which applies it: install git") from error
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        why = errors[0].removeprefix("error: ") if errors else f"git ended with {done.returncode}"
        raise UsageError(
            f"--patch {patch} does not fit this TVM ({why}): make it anew from its files"
        )
