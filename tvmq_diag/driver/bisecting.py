"""Look for the pass and the op of a wrong result, in a TVM process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..analysis.accuracy import Bounds, Fault
from ..errors import UsageError
from ..instruments.protocol.jobs import SECONDS, BisectJob, CompileJob
from ..measurements.bisection import Bisection, load
from ..toolchains import process
from ..toolchains.follower import Progress
from ..toolchains.limits import Limits
from ..toolchains.toolchain import Toolchain
from ..trace.ending import Ending


def look(
    toolchain: Toolchain,
    job: CompileJob,
    folder: Path,
    limits: Limits,
    bounds: Bounds,
    fault: Fault | None,
    seconds: float = SECONDS,
    watch: Callable[[Progress], None] = lambda progress: None,
    made_with: dict[str, str] | None = None,
) -> tuple[Bisection, Ending]:
    """Bisect the compile of a job, into `folder`, which is emptied. Raises SetupError.

    It is looked at on the inputs, and by the output, that show the `fault`; without one on the
    first, by each. `made_with` is the quantizer and the TVM of the result (TraceFacts): with others
    the bisection says so.
    """
    shutil.rmtree(folder, ignore_errors=True)
    bisect = order(replace(job, trace=str(folder)), bounds, fault, seconds, made_with)
    ending = process.run(toolchain, bisect, limits, watch)
    return result(folder, ending), ending


def order(
    job: CompileJob,
    bounds: Bounds,
    fault: Fault | None,
    seconds: float = SECONDS,
    made_with: dict[str, str] | None = None,
) -> BisectJob:
    """The job of it, into the trace of `job`: see look."""
    return BisectJob(
        **vars(job),
        min_cosine=bounds.cosine,
        min_agreement=bounds.agreement,
        inputs=list(fault.inputs) if fault is not None else [0],
        output=fault.output if fault is not None else None,
        seconds=seconds,
        made_with=made_with,
    )


def result(folder: Path, ending: Ending) -> Bisection:
    """What a process left in `folder`, which ended so."""
    try:
        bisection = load(folder)
    except UsageError:  # it died before it began
        return Bisection(problems=[ending.tail[-500:]])
    if not bisection.complete and not bisection.problems:
        bisection.problems.append(
            f"the process ended ({ending.how.value}) before all was looked at"
        )
    return bisection
