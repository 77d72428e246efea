"""What the commands share: where a run goes, and options of one kind."""

from __future__ import annotations

import argparse
import datetime
import shlex
import sys
from pathlib import Path

from .. import __version__
from ..errors import UsageError

RUNS = Path("runs")


def fresh_directory(asked: Path | None, stem: str) -> Path:
    """Where a run goes: the folder that was asked for, or runs/STEM-TIME.

    Raises UsageError when the folder asked for holds something: no run is ever overwritten.
    """
    if asked is not None:
        if asked.exists() and (not asked.is_dir() or any(asked.iterdir())):
            raise UsageError(f"{asked} is there already; give --out another folder")
        return asked
    name = base = f"{stem}-{datetime.datetime.now():%Y%m%d-%H%M%S}"
    number = 1
    while (RUNS / name).exists():
        number += 1
        name = f"{base}-{number}"
    return RUNS / name


def circumstances() -> dict[str, object]:
    """The command line as it was typed, the time, and the version of the tool."""
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "created": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "tool_version": __version__,
    }


def positive(text: str) -> float:
    """An option's value that must be a number above zero."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("must be positive")
    return value
