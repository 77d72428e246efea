"""Look for the pass and the op of a wrong result, in a TVM process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..measurements.bisection import Bisection, load
from ..toolchains import process
from ..toolchains.follower import Progress
from ..toolchains.limits import Limits
from ..toolchains.toolchain import Toolchain
from ..trace.ending import Ending

SECONDS = 120.0
"""How long experiments may go on."""


def look(
    toolchain: Toolchain,
    job: dict[str, Any],
    folder: Path,
    limits: Limits,
    min_cosine: float,
    seconds: float = SECONDS,
    watch: Callable[[Progress], None] = lambda progress: None,
) -> tuple[Bisection, Ending]:
    """Bisect the compile of a job, into `folder`, which is emptied. Raises SetupError."""
    shutil.rmtree(folder, ignore_errors=True)
    asked = {
        **job,
        "task": "bisect",
        "trace": str(folder),
        "min_cosine": min_cosine,
        "seconds": seconds,
    }
    ending = process.run(toolchain, asked, limits, watch)
    try:
        found = load(folder)
    except UsageError:  # it died before it began
        return Bisection(problems=[ending.tail[-500:]]), ending
    if not found.complete and not found.problems:
        found.problems.append(f"the process ended ({ending.how.value}) before all was looked at")
    return found, ending
