"""What was found out about a failure: every op on its own, the smallest module; or why it was not.

An analysis that could not be made is as much a result as one that was: it always gets its sentence.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from tvmq_diag import foreign
from tvmq_diag.results.run import Result, Run
from tvmq_diag.results.verdict import CRASHED, REJECTED, TIMED_OUT
from tvmq_diag.trace.failure import Smallest
from tvmq_diag.trace.trace import Trace

from ..formatting import clip, duration, printable


@dataclass(frozen=True)
class Reduction:
    """The smallest module that fails, in `sentences`, then its file if there is one.

    `path` is seen from the page, `about` says what the file is worth, `text` is what it holds.
    `go_on` is the command that looks further where that may help.
    """

    sentences: list[str]
    path: str = ""
    about: str = ""
    text: str = ""
    go_on: str | None = None


def expected(result: Result) -> bool:
    """Would a reader look for the analyses? Only of what did not compile."""
    return result.verdict.outcome in (REJECTED, CRASHED, TIMED_OUT)


def why_not(trace: Trace, analysis: str) -> str:
    """The reason why an analysis (survey, smallest, map) was not made, as a sentence's end."""
    for name in (analysis, "survey", "op"):
        if name in trace.skipped:
            return clip(trace.skipped[name], 300)
    if trace.ended:
        return "the trace does not say why"
    return "the process ended before it came to that"


def missing_map(result: Result) -> str | None:
    """Why there is no rejection map, where one is to be expected."""
    trace = result.trace
    if trace is None or trace.map is not None or not expected(result):
        return None
    return f"There is no map of the ops: {why_not(trace, 'map')}"


def go_on(run: Run, trace: Trace) -> str | None:
    """The command that looks further into a failure; None where it has nothing to go back to."""
    if run.facts.script or trace.path == run.directory or not trace.can_replay:
        return None  # of a script of somebody's own, or failed before there was a pass
    return f"tvmq-diag reduce {shlex.quote(str(trace.path))}"


def reduction(run: Run, result: Result) -> Reduction | None:
    """What is known of the smallest module that fails; None where nobody expects one."""
    trace = result.trace
    if trace is None or not (trace.smallest or expected(result)):
        return None
    smallest = trace.smallest
    if smallest is None:
        further = None if trace.ended else go_on(run, trace)
        return Reduction([f"There is none: {why_not(trace, 'smallest')}."], go_on=further)
    if not smallest.deterministic:
        return Reduction([_comes_and_goes(smallest)])
    sentences = [_size(smallest)]
    if not smallest.complete:
        sentences.append(
            "The time was up before every smaller part was tried: this may not be the smallest."
        )
    further = None if smallest.complete else go_on(run, trace)
    if smallest.file is None:
        sentences.append("It cannot be written as a file that imports only tvm.")
        return Reduction(sentences, go_on=further)
    path, about = _file(run, result, trace, smallest.file)
    text = _read(run, path)
    if not text:
        about += " It cannot be read any more."
    return Reduction(sentences, path, about, text, further)


def _size(smallest: Smallest) -> str:
    one = smallest.calls == 1
    least = ", none of which can be left out," if smallest.complete and not one else ""
    return (
        f"{smallest.calls} of the module's {smallest.of} ops{least} "
        f"fail{'s' if one else ''} in the same way by {'itself' if one else 'themselves'}: "
        f"found in {_effort(smallest)}."
    )


def _comes_and_goes(smallest: Smallest) -> str:
    return (
        f"The failure does not come each time: a part of {smallest.calls} of the module's "
        f"{smallest.of} ops failed once, and not again when it was tried twice more, so nothing "
        f"was reduced ({_effort(smallest)})."
    )


def _effort(smallest: Smallest) -> str:
    trials = "trial" if smallest.queries == 1 else "trials"
    return f"{smallest.queries} {trials}, {duration(smallest.ms)}"


def _file(run: Run, result: Result, trace: Trace, name: str) -> tuple[str, str]:
    """The file of the reduced module as seen from the page, and what it is worth."""
    verdict = result.verdict
    if verdict.reproducer is not None:
        return verdict.reproducer, "It failed in the same way in a fresh process."
    file = trace.path / name
    doubted = file.with_suffix(".unverified")
    path = os.path.relpath(doubted if doubted.is_file() else file, run.directory)
    note = verdict.reproducer_note
    worth = f"It is no reproducer: {note}." if note else "It was not run in a fresh process."
    return Path(path).as_posix(), clip(worth, 500)


def _read(run: Run, name: str) -> str:
    try:
        return printable(foreign.read(run.directory, name).decode("utf-8"), 20_000)
    except (OSError, ValueError):
        return ""
