"""A run as far as it got: traces without a verdict, where the tool itself was killed, too."""

from __future__ import annotations

from pathlib import Path

from ..configuration import parse
from ..errors import UsageError
from ..results import store
from ..results.run import Result, Role, Run
from ..results.verdict import INTERRUPTED, Verdict
from ..trace.ending import Ending, How
from . import judge

CUT_OFF = "the tool itself ended in the middle of this"
RAN = "it ran; the tool itself ended before its numbers were compared"


def load(directory: Path) -> Run:
    """The run in a folder; a compile that was begun and has no verdict gets one from its trace.

    Raises UsageError when there is no run.
    """
    run = store.load(directory)
    judged = {result.verdict.configuration for result in run.results}
    for text, role in run.facts.attempted.items():
        if text in judged:
            continue
        try:
            run.results.append(_result(run, text, Role(role)))
        except (UsageError, ValueError):
            run.problems.append(f"of {text!r}, which was begun, nothing can be read")
    return run


def _result(run: Run, text: str, role: Role) -> Result:
    """Raises UsageError for what is no configuration, or has no trace."""
    configuration = parse(text)
    toolchain = run.facts.toolchain or "?"
    result = store.with_trace(
        run.directory, Verdict(text, toolchain, INTERRUPTED, CUT_OFF), role, configuration.slug
    )
    trace = result.trace
    if trace is None:
        raise UsageError(f"{text} has no trace")
    ending = Ending(How.INTERRUPTED, None, 0.0, 0, result.tail)
    verdict = judge.of_failure(configuration, toolchain, trace, ending)
    if verdict.outcome == INTERRUPTED:
        verdict.message = CUT_OFF if trace.outputs is None else RAN
    result.verdict = verdict
    return result
