"""How far a compile came: the strip of stages, and the newest module that one left behind."""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.results.run import Result
from tvmq_diag.results.verdict import GOOD, NOT_JUDGED, NOT_QUANTIZED, WRONG
from tvmq_diag.trace.snapshot import Snapshot
from tvmq_diag.trace.stages import STAGES
from tvmq_diag.trace.trace import Trace

from ..formatting import DASH, KEPT, duration

DONE, FAILED, SKIPPED, AHEAD = "done", "failed", "skipped", "not reached"
MARKS = {DONE: "✓", FAILED: "✗", SKIPPED: DASH, AHEAD: "·"}


@dataclass(frozen=True)
class StripStage:
    """A stage in the strip: DONE, FAILED, SKIPPED or AHEAD, and the time spent, empty if none."""

    name: str
    state: str
    time: str

    @property
    def mark(self) -> str:
        """The state as a symbol."""
        return MARKS[self.state]


def strip(result: Result) -> list[StripStage]:
    """Every stage in order, with the time spent in it."""
    trace, verdict = result.trace, result.verdict
    reached = set(trace.stages) if trace else set()
    failed = None if verdict.outcome in (*GOOD, NOT_JUDGED) else verdict.stage
    if verdict.outcome in (WRONG, NOT_JUDGED, NOT_QUANTIZED):
        # Its outputs were compared, wherever it began.
        reached.add("check")
    times = {stage: _time(trace, stage, ms) for stage, ms in trace.spent.items()} if trace else {}
    last = max((STAGES.index(stage) for stage in reached if stage in STAGES), default=-1)
    if failed in STAGES:
        last = max(last, STAGES.index(failed))
    elif verdict.stage in STAGES:  # it works: as far as the verdict says
        last = max(last, STAGES.index(verdict.stage))
        reached.add(verdict.stage)
    return [
        StripStage(stage, _state(stage, failed, reached, place, last), times.get(stage, ""))
        for place, stage in enumerate(STAGES)
    ]


def _time(trace: Trace, stage: str, ms: float) -> str:
    kept = next((taken for taken in trace.taken if taken.what == stage), None)
    return duration(ms) if kept is None else f"{duration(kept.ms)} {KEPT}"


def _state(stage: str, failed: str | None, reached: set[str], place: int, last: int) -> str:
    if stage == failed:
        return FAILED
    if stage in reached:
        return DONE
    return SKIPPED if place < last else AHEAD


def newest_module(trace: Trace, stages: tuple[str, ...]) -> tuple[Snapshot, str] | None:
    """The newest module of the first of these stages that left one behind, and that stage."""
    for stage in stages:
        snapshot = next(trace.modules_of(stage), None)
        if snapshot is not None:
            return snapshot, stage
    return None
