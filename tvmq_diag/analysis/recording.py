"""A trace that was recorded in somebody's own script, as a run of one configuration."""

from __future__ import annotations

import shlex
from pathlib import Path

from .. import __version__
from ..configuration import AS_IS, Configuration, of_fields, parse
from ..instruments.protocol.schema import QUANTIZER_BEGINS
from ..results.facts import RunFacts
from ..results.run import Result, Role, Run
from ..results.verdict import (
    EXACT,
    FAILED,
    NOT_QUANTIZED,
    REJECTED,
    SCRIPT,
    UNKNOWN,
    WORKS,
    Verdict,
)
from ..trace import reader
from ..trace.ending import Ending, How
from ..trace.trace import Trace
from . import judge
from .reasons import outcomes

IN_PROCESS = "in process"
"""The toolchain of what was recorded where its TVM already was."""

_FINISHED = Ending(How.FINISHED, 0, 0.0, 0, "")
_NO_END = Ending(How.SIGNAL, None, 0.0, 0, "")


def as_run(folder: Path) -> Run:
    """The trace in a folder, judged by itself, as a run whose only result it is.

    Raises UsageError when there is none, or a newer tvmq_diag wrote it.
    """
    recorded = reader.load(folder)
    facts = RunFacts(
        command=shlex.join(recorded.facts.command),
        created=recorded.facts.time,
        toolchain=IN_PROCESS,
        tool_version=__version__,
    )
    return Run(folder, facts, [Result(judged(recorded), Role.REQUESTED, recorded)])


def judged(trace: Trace, toolchain: str = IN_PROCESS, ending: Ending | None = None) -> Verdict:
    """The verdict on a script that was recorded: no numbers are known. It is called after what was
    done: after the configuration that the quantizer had, where it ran, and else SCRIPT.

    `ending` is that of its process; None where nobody watched that.
    """
    asked = _configuration(trace)
    configuration = asked or parse(AS_IS)  # which has no field to blame, and none to suggest
    verdict = _verdict(configuration, toolchain, trace, ending)
    if asked is None:
        verdict.configuration = SCRIPT
    return verdict


def _configuration(trace: Trace) -> Configuration | None:
    """That of the quantizer; None where it did not run."""
    return of_fields(trace.facts.qconfig, trace.facts.changed)


def _verdict(
    configuration: Configuration, toolchain: str, trace: Trace, ending: Ending | None
) -> Verdict:
    if trace.failure is not None and not _stopped(ending):
        verdict = judge.of_failure(configuration, toolchain, trace, ending or _FINISHED)
        if not trace.failure.tvms and verdict.outcome == REJECTED:
            verdict.outcome, verdict.confidence, verdict.suggestion = FAILED, EXACT, None
            verdict.message = f"{trace.failure.error}: {_first_line(trace.failure.message)}"
        return verdict
    if not trace.ended or _stopped(ending):
        verdict = judge.of_failure(configuration, toolchain, trace, ending or _NO_END)
        if ending is None:
            verdict.message = (
                "the journal stops without an end: the process died or is still running"
            )
        return verdict
    code = trace.facts.exit_code
    if code:
        message = f"it ended with exit code {code}"
        return Verdict(
            configuration.text, toolchain, FAILED, trace.stage, message=message, confidence=EXACT
        )
    return _without_failure(configuration, toolchain, trace)


def _without_failure(configuration: Configuration, toolchain: str, trace: Trace) -> Verdict:
    verdict = Verdict(configuration.text, toolchain, WORKS, trace.stage, confidence=UNKNOWN)
    verdict.reason = outcomes.UNCHECKED.clause
    caught = [run for run in trace.pass_runs.values() if run.raised]
    if caught:
        verdict.reason = outcomes.CAUGHT.clause.format(caught[-1].owner.name)
    if configuration.as_is:
        passes = len(trace.pass_runs)
        verdict.message = f"{passes or 'no'} pass{'es' if passes != 1 else ''}"
        if not caught:
            verdict.message += ", and nothing was raised"
            verdict.reason = outcomes.NO_NUMBERS.clause
        return verdict
    runs = sum(run.name == QUANTIZER_BEGINS[-1] for run in trace.pass_runs.values())
    if runs > 1:
        verdict.reason = f"{outcomes.LAST_RUN.clause.format(runs)}; {verdict.reason}"
    if not judge.got_dtype(configuration, trace):
        verdict.outcome = NOT_QUANTIZED
    return verdict


def _stopped(ending: Ending | None) -> bool:
    """Was its process ended from outside: by time, memory, Ctrl-C?"""
    outside = (How.TIMED_OUT, How.OUT_OF_MEMORY, How.INTERRUPTED)
    return ending is not None and ending.how in outside


def _first_line(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return lines[0][:300] if lines else "no message"
