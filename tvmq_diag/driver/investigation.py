"""Look again into a failure that is on record, and check the file that is to reproduce it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .. import foreign
from ..analysis.reasons.outcomes import NO_MESSAGE
from ..analysis.tvm_error import sentence
from ..errors import UsageError
from ..instruments.protocol.jobs import SECONDS, CompileJob, InvestigateJob
from ..results.verdict import CRASHED, Verdict
from ..toolchains import process
from ..toolchains.follower import Progress
from ..toolchains.limits import Limits
from ..toolchains.toolchain import Toolchain
from ..trace import layout, reader
from ..trace.ending import Ending
from ..trace.trace import Trace

REPRODUCER_SECONDS = 120.0


def look_again(
    toolchain: Toolchain,
    recorded: Trace,
    limits: Limits,
    seconds: float = SECONDS,
    watch: Callable[[Progress], None] = lambda progress: None,
) -> tuple[Trace, Ending]:
    """Run the compile of a trace up to the pass that failed, and look into that, op by op; to where
    code is generated, if it failed in no pass.

    Each experiment runs in a process of its own, so the failure may be a crash; what an earlier
    look found out is not tried again. The findings are in the trace that comes back, read anew.

    Raises UsageError when the trace does not say what was compiled.
    """
    failure = recorded.failure
    job = InvestigateJob(
        **vars(job_of(recorded)),
        at=0 if recorded.fails_in_compiling else recorded.failing_place,
        stage=recorded.failing_stage,
        error=None if failure is None else [failure.error, failure.message],
        seconds=seconds,
    )
    ending = process.run(toolchain, job, limits, watch)
    return reader.load(recorded.path), ending


def reproduce(toolchain: Toolchain, recorded: Trace, verdict: Verdict, run: Path) -> None:
    """Hand on the reduced module's file if it fails as the compile did in a fresh process.

    Else the verdict says why not, and the file is renamed. `run` is the run's folder.
    """
    smallest = recorded.smallest
    verdict.reproducer = verdict.reproducer_note = None
    if smallest is None or smallest.file is None:
        return
    file = foreign.inside(recorded.path, smallest.file)
    said = process.run_script(toolchain, file, REPRODUCER_SECONDS)
    if said is not None and _same(said, verdict):
        verdict.reproducer = file.relative_to(run).as_posix()
        return
    file = file.replace(file.with_suffix(".unverified"))
    kept = file.relative_to(recorded.path).as_posix()
    verdict.reproducer_note = f"{_ended(said)}: kept as {kept}"


def _same(said: process.ScriptOutput, verdict: Verdict) -> bool:
    if verdict.outcome == CRASHED:
        return said.code < 0
    message = verdict.message or ""
    if message.endswith(NO_MESSAGE):
        return said.code > 0 and sentence(said.text) + NO_MESSAGE == message
    told = message in said.text or message == sentence(said.text)
    return said.code > 0 and bool(message) and told


def _ended(said: process.ScriptOutput | None) -> str:
    alone = "in a fresh process its file"
    if said is None:
        return f"{alone} was still running after {REPRODUCER_SECONDS:.0f} s"
    if said.code == 0:
        return f"{alone} raises nothing"
    if said.code < 0:
        return f"{alone} ends by signal {-said.code}"
    return f"{alone} fails in another way ({sentence(said.text)[:200]})"


def job_of(recorded: Trace) -> CompileJob:
    """The job of the compile that a trace is of. Raises UsageError when it is not there."""
    path = recorded.path / layout.JOB
    try:
        job = CompileJob.from_json(json.loads(foreign.read(recorded.path, layout.JOB)))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} does not say what was compiled: {error}") from error
    kept = job.kept if job.kept is not None and Path(job.kept).is_dir() else None
    return replace(job, trace=str(recorded.path), kept=kept)
