"""From a journal to a Trace, event by event."""

from __future__ import annotations

from pathlib import Path

from . import journal, logged
from .events import (
    DECODER,
    Compiling,
    End,
    Enter,
    Facts,
    Fault,
    Investigation,
    KernelCode,
    Knobs,
    Leave,
    Looking,
    Outputs,
    Progress,
    Skipped,
    Stage,
    Start,
    Taken,
    Text,
    TraceEvent,
    Unwind,
    Warned,
    Written,
)
from .failure import Blame, Culprit, Failure, RejectionMap, Smallest
from .journal import Timed
from .stages import STAGES
from .trace import PassRun, Trace


def load(path: Path) -> Trace:
    """Read the trace in the folder `path`, complete or not.

    Raises UsageError when there is none, or a newer tvmq_diag wrote it.
    """
    events, problems = journal.read(path, DECODER)
    trace = Trace(path, problems=problems)
    clock = 0.0
    for event in events:
        if isinstance(event, Timed) and event.t is not None:
            _spend(trace, event.t - clock)
            clock = event.t
        try:
            _take(trace, event)
        except KeyError:  # of a pass that has never begun
            kind = type(event).__struct_config__.tag
            trace.problems.append(f"event {kind!r} in {journal.NAME} is damaged")
    trace.warnings += logged.warnings(path)
    return trace


def _spend(trace: Trace, ms: float) -> None:
    """Add the time since the event before to that of the stage in which it left the compile."""
    if trace.stage is not None and trace.failure is None and not trace.investigated:
        trace.spent[trace.stage] = trace.spent.get(trace.stage, 0.0) + max(0.0, ms)


def _take(trace: Trace, event: TraceEvent) -> None:
    """Add what an event says; raises KeyError if it speaks of a pass that there is not."""
    match event:  # the most frequent first
        case Enter():
            _enter(trace, event)
        case Leave():
            _leave(trace, event)
        case Written():
            trace.tables[event.id] = event
        case Unwind():
            _unwind(trace, event)
        case Start():
            _start(trace, event)
        case Facts():
            trace.problems += event.add_to(trace.facts, journal.NAME)
        case Stage():
            _reach(trace, event.name)
        case Taken():
            trace.taken.append(event)
        case Compiling():
            trace.compiling = event.snapshot
        case Text():
            trace.text = event.file
        case Outputs():
            trace.outputs, trace.deterministic = event.file, event.deterministic
            trace.inputs = event.inputs
        case KernelCode():
            trace.kernel_code = event.file
        case Warned():
            trace.warnings.append(event)
        case Fault():
            trace.faults.append(f"{event.where}: {event.message}")
        case End():
            trace.ended = True
        case Looking() | Progress():
            pass  # for who follows a compile
        case _:
            _failed(trace, event)


def _failed(
    trace: Trace,
    event: Failure | Blame | Culprit | Knobs | Smallest | RejectionMap | Investigation | Skipped,
) -> None:
    """Add what an event says of a failure."""
    match event:
        case Failure():
            trace.failure = event
        case Blame():
            trace.blame = event
        case Culprit():
            trace.culprit = event
        case Knobs():
            trace.knobs = event.fields
        case Smallest():
            trace.smallest = event
        case RejectionMap():
            trace.map = event
        case Investigation():
            trace.investigated = True
            trace.skipped = {}
        case Skipped():
            trace.skipped[event.what] = event.reason


def _start(trace: Trace, event: Start) -> None:
    facts = trace.facts
    facts.time, facts.pid, facts.dialect = event.time, event.pid, event.dialect
    facts.command = event.command
    facts.versions.update(event.versions)


def _reach(trace: Trace, stage: str) -> None:
    trace.stage = stage
    if stage in STAGES and stage not in trace.stages:
        trace.stages.append(stage)


def _enter(trace: Trace, event: Enter) -> None:
    parent = trace.pass_runs.get(event.parent) if event.parent is not None else None
    run = PassRun(event.id, event.name, event.stage, event.t, parent)
    run.before = event.snapshot
    run.entry = event.own
    run.kept = any(taken.covers(event.id) for taken in trace.taken)
    trace.pass_runs[run.number] = run
    trace.unwound = []
    if parent is not None:
        parent.children.append(run)
    _reach(trace, run.stage)


def _leave(trace: Trace, event: Leave) -> None:
    run = trace.pass_runs[event.id]
    run.end = event.t
    run.after = event.snapshot
    run.own = event.own
    run.inside = event.inside
    if run.before is None:  # an InferType: only its result is recorded
        run.before = run.parent.before if run.parent is not None else None


def _unwind(trace: Trace, event: Unwind) -> None:
    runs = [trace.pass_runs[number] for number in event.passes]
    for run in runs:
        run.raised = True
    trace.unwound = runs + trace.unwound  # contexts unwind innermost first
