"""Interpreters whose `tvm` is a few lines of Python, for tests of what finds and asks them."""

from __future__ import annotations

import sys
from pathlib import Path


def silent(line: str) -> None:
    raise AssertionError(f"nothing should have been said, not {line!r}")


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def python_with_tvm(directory: Path, files: dict[str, str]) -> Path:
    """A real interpreter whose `tvm` is made of the given files."""
    for name, text in files.items():
        file = directory / "site" / "tvm" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    command = f'PYTHONPATH="{directory}/site" exec "{sys.executable}" "$@"'
    return script(directory / "bin" / "python", command)


RELAY_TVM = {
    "__init__.py": "__version__ = '0.16.dev0'\nprint('noise on stdout')\n",
    "relay/__init__.py": "",
    "relay/quantize/__init__.py": "",
}
RELAX_TVM = {"__init__.py": "__version__ = '0.27.0'", "relax/__init__.py": ""}
BOTH_TVM = RELAX_TVM | RELAY_TVM
