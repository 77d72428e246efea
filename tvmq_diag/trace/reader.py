"""From a journal to a Trace, event by event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import journal
from .failure import Blame, Failure, RejectionMap, Smallest
from .stages import STAGES
from .trace import DAMAGE, PassRun, Trace


def load(path: Path) -> Trace:
    """Read the trace in the folder `path`, complete or not.

    Raises UsageError when there is none, or a newer tvmq_diag wrote it.
    """
    read = journal.read(path)
    trace = Trace(path, problems=read.problems)
    clock = 0.0
    for event in read.events:
        clock = _spend(trace, clock, event.get("t"))
        handler = _HANDLERS.get(event["kind"])
        if handler is None:
            continue
        try:
            handler(trace, event)
        except DAMAGE:
            trace.problems.append(f"event {event['kind']!r} in the journal is damaged")
    return trace


def _spend(trace: Trace, since: float, now: Any) -> float:
    """Count the time since the event before to the stage it found the compile in."""
    if not isinstance(now, (int, float)):
        return since
    if trace.stage is not None and trace.failure is None and not trace.investigated:
        trace.spent[trace.stage] = trace.spent.get(trace.stage, 0.0) + max(0.0, now - since)
    return now


def _start(trace: Trace, event: dict[str, Any]) -> None:
    trace.facts.update({key: event[key] for key in ("time", "pid", "dialect", "command")})
    trace.facts.setdefault("versions", {}).update(event["versions"])


def _facts(trace: Trace, event: dict[str, Any]) -> None:
    for name, value in event["values"].items():
        if isinstance(value, dict) and isinstance(trace.facts.get(name), dict):
            trace.facts[name].update(value)
        else:
            trace.facts[name] = value


def _stage(trace: Trace, event: dict[str, Any]) -> None:
    _reach(trace, event["name"])


def _reach(trace: Trace, stage: Any) -> None:
    if not isinstance(stage, str):
        raise TypeError(f"{stage!r} is no stage")
    trace.stage = stage
    if stage in STAGES and stage not in trace.stages:
        trace.stages.append(stage)


def _enter(trace: Trace, event: dict[str, Any]) -> None:
    parent = trace.passes.get(event["parent"])
    run = PassRun(event["id"], event["name"], event["stage"], event["t"], parent)
    run.before = _number(event["snapshot"])
    run.entry = float(event.get("own", 0.0))
    trace.passes[run.number] = run
    trace.unwound = []
    if parent is not None:
        parent.children.append(run)
    _reach(trace, run.stage)


def _leave(trace: Trace, event: dict[str, Any]) -> None:
    run = trace.passes[event["id"]]
    run.end = event["t"]
    run.after = _number(event["snapshot"])
    run.own = float(event.get("own", 0.0))
    run.inside = int(event.get("inside", 0))
    if run.before is None:  # an InferType: only its result is recorded
        run.before = run.parent.before if run.parent is not None else None


def _number(value: Any) -> int | None:
    if value is not None and not isinstance(value, int):
        raise TypeError(f"{value!r} is no snapshot's number")
    return value


def _unwind(trace: Trace, event: dict[str, Any]) -> None:
    runs = [trace.passes[number] for number in event["passes"]]
    for run in runs:
        run.raised = True
    trace.unwound = runs + trace.unwound  # contexts unwind innermost first


def _snapshot(trace: Trace, event: dict[str, Any]) -> None:
    trace.tables[event["id"]] = event


def _error(trace: Trace, event: dict[str, Any]) -> None:
    trace.failure = Failure.read(event)


def _text(trace: Trace, event: dict[str, Any]) -> None:
    trace.text = event["file"]


def _compiling(trace: Trace, event: dict[str, Any]) -> None:
    trace.compiling = _number(event["snapshot"])


def _blame(trace: Trace, event: dict[str, Any]) -> None:
    trace.blame = Blame.read(event)


def _knobs(trace: Trace, event: dict[str, Any]) -> None:
    trace.knobs = None if event["fields"] is None else list(event["fields"])


def _smallest(trace: Trace, event: dict[str, Any]) -> None:
    trace.smallest = Smallest.read(event)


def _map(trace: Trace, event: dict[str, Any]) -> None:
    trace.map = RejectionMap.read(event)


def _investigation(trace: Trace, event: dict[str, Any]) -> None:
    trace.investigated = True
    trace.skipped = {}


def _skipped(trace: Trace, event: dict[str, Any]) -> None:
    trace.skipped[str(event["what"])] = str(event["reason"])


def _outputs(trace: Trace, event: dict[str, Any]) -> None:
    trace.outputs = event["file"]
    trace.deterministic = event["deterministic"]


def _fault(trace: Trace, event: dict[str, Any]) -> None:
    trace.faults.append(f"{event['where']}: {event['message']}")


def _end(trace: Trace, event: dict[str, Any]) -> None:
    trace.ended = True


_HANDLERS = {
    "start": _start,
    "facts": _facts,
    "stage": _stage,
    "enter": _enter,
    "leave": _leave,
    "unwind": _unwind,
    "snapshot": _snapshot,
    "error": _error,
    "text": _text,
    "compiling": _compiling,
    "blame": _blame,
    "knobs": _knobs,
    "smallest": _smallest,
    "map": _map,
    "investigation": _investigation,
    "skipped": _skipped,
    "outputs": _outputs,
    "fault": _fault,
    "end": _end,
}
