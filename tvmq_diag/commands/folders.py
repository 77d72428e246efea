"""Where a run goes, and what its folder is called."""

from __future__ import annotations

import datetime
import re
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


def stem(source: str, configurations: list[Configuration]) -> str:
    """The beginning of a run's name: the model, and the configuration or how many there are."""
    model = re.sub(r"[^\w.-]+", "_", source.rpartition(":")[2].rpartition("/")[2])
    what = configurations[0].slug if len(configurations) == 1 else f"sweep{len(configurations)}"
    return f"{model}-{what}"
