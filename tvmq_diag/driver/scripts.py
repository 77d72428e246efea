"""Running somebody's own script in a TVM process, with all that a model gets there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..analysis import recording
from ..errors import SetupError, UsageError
from ..instruments.protocol.jobs import ScriptJob
from ..results import store
from ..results.run import Result, Role, Run
from ..toolchains import process
from ..toolchains.follower import Progress
from ..toolchains.limits import Limits
from ..toolchains.toolchain import Toolchain
from ..trace import reader
from ..trace.ending import How
from ..trace.layout import SCRIPT, TRACES
from . import investigation


@dataclass(frozen=True)
class ScriptPlan:
    """A script with its arguments, on a TVM; `save_ir`: with the text of each changed module."""

    script: Path
    arguments: list[str]
    toolchain: Toolchain
    limits: Limits
    save_ir: bool = False


def carry_out(plan: ScriptPlan, run: Run, watch: Callable[[Progress], None]) -> None:
    """Run the script: its result is added to `run`, and written down.

    `run.facts.interrupted` says that Ctrl-C ended it. Raises SetupError when the process cannot be
    started, or has no TVM.
    """
    folder = run.directory / TRACES / SCRIPT
    job = ScriptJob(
        trace=str(folder),
        dialect=plan.toolchain.dialect,
        script=str(plan.script),
        arguments=plan.arguments,
        save_ir=plan.save_ir,
    )
    store.write(run)
    ending = process.run(plan.toolchain, job, plan.limits, watch)
    try:
        recorded = reader.load(folder)
    except UsageError as error:
        last = ending.tail.strip().splitlines()[-1:] or [f"exit code {ending.code}"]
        raise SetupError(
            f"the process of {plan.toolchain.python} ended before the script began: {last[0]}"
        ) from error
    verdict = recording.judged(recorded, plan.toolchain.name, ending)
    run.results.append(Result(verdict, Role.REQUESTED, recorded, ending.tail))
    run.facts.interrupted = ending.how == How.INTERRUPTED
    investigation.reproduce(plan.toolchain, recorded, verdict, run.directory)
    store.write(run)
