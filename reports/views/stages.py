"""How far a compile came, and what became of each anchor op's dtypes on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tvmq_diag.analysis import dtype_timeline
from tvmq_diag.results.verdict import NOT_QUANTIZED, WORKS, WRONG, Result
from tvmq_diag.trace.stages import STAGES
from tvmq_diag.trace.trace import Trace

from ..formatting import (
    DASH,
    FAMILY_MARKS,
    clip,
    dtype_family,
    milliseconds,
)

DONE, FAILED, SKIPPED, AHEAD = "done", "failed", "skipped", "not reached"
MARKS = {DONE: "✓", FAILED: "✗", SKIPPED: DASH, AHEAD: "·"}


@dataclass(frozen=True)
class Step:
    """A stage in the strip."""

    name: str
    state: str
    time: str

    @property
    def mark(self) -> str:
        """The state as a symbol."""
        return MARKS[self.state]


@dataclass
class TimelineCell:
    """A cell of the timeline. `family` colours it; `state` is missing, same, first or changed."""

    text: str = ""
    family: str = "other"
    state: str = "missing"
    title: str = ""
    rejected: bool = False

    @property
    def mark(self) -> str:
        """The family as a symbol."""
        return FAMILY_MARKS[self.family]


@dataclass
class TimelineRow:
    """An anchor op: `changed` if its dtypes change anywhere, or it was rejected."""

    label: str
    span: str
    cells: list[TimelineCell] = field(default_factory=list)
    changed: bool = False
    rejected: bool = False


@dataclass
class TimelineView:
    """The timeline as a table."""

    stages: list[str]
    rows: list[TimelineRow]
    changed: int = 0


def strip(result: Result) -> list[Step]:
    """Every stage in order, with the time spent in it."""
    trace, verdict = result.trace, result.verdict
    reached = set(trace.stages) if trace else set()
    failed = None if verdict.outcome == WORKS else verdict.stage
    if verdict.outcome in (WRONG, NOT_QUANTIZED):  # its outputs were compared, wherever it began
        reached.add("check")
    times = {stage: milliseconds(ms) for stage, ms in trace.spent.items()} if trace else {}
    last = max((STAGES.index(stage) for stage in reached if stage in STAGES), default=-1)
    if failed in STAGES:
        last = max(last, STAGES.index(failed))
    elif verdict.stage in STAGES:  # it works: as far as the verdict says
        last = max(last, STAGES.index(verdict.stage))
        reached.add(verdict.stage)
    return [
        Step(stage, _state(stage, failed, reached, place, last), times.get(stage, ""))
        for place, stage in enumerate(STAGES)
    ]


def _state(stage: str, failed: str | None, reached: set[str], place: int, last: int) -> str:
    if stage == failed:
        return FAILED
    if stage in reached:
        return DONE
    return SKIPPED if place < last else AHEAD


def timeline(trace: Trace) -> TimelineView:
    """The dtype timeline of a trace, ready to be laid out."""
    known = dtype_timeline.timeline(trace)
    stages = list(known.stages)
    if known.rejected_stage is not None and known.rejected_stage not in stages:
        stages.append(known.rejected_stage)
    stages = [stage for stage in stages if _typed(known, stage)]
    rows = [_row(row, stages, known.rejected_stage) for row in known.rows]
    blamed = trace.blamed()
    for row in rows:
        if row.rejected and blamed is not None:
            row.label += f" (op #{blamed[0]})"
    return TimelineView(stages, rows, sum(row.changed for row in rows))


def _typed(known: dtype_timeline.Timeline, stage: str) -> bool:
    """Is any dtype known at this stage? Before TVM's first type inference none is."""
    cells = [row.cells[stage] for row in known.rows if stage in row.cells]
    return any(cell.output != "?" for cell in cells)


def _row(row: dtype_timeline.Row, stages: list[str], rejected_stage: str | None) -> TimelineRow:
    # Lineage counts anchors, a verdict counts calls: two numberings on one page would mislead.
    label = re.sub(r"^#\d+ ", "", row.label)
    view = TimelineRow(clip(label, 60), clip(row.span or "", 80), rejected=row.rejected)
    previous = ""
    for stage in stages:
        cell = row.cells.get(stage)
        if cell is None:
            view.cells.append(TimelineCell())
            continue
        text = _signature(cell)
        state = "same" if text in (previous, "?") else "changed" if previous else "first"
        rejected = row.rejected and stage == rejected_stage
        title = f"{cell.op}: {', '.join(cell.inputs)} → {cell.shape}"
        view.cells.append(
            TimelineCell(text, dtype_family(cell.output), state, clip(title, 200), rejected)
        )
        # A dtype that was not inferred yet did not change when it became known.
        previous = previous if text == "?" else text
    view.changed = row.rejected or any(cell.state == "changed" for cell in view.cells)
    return view


def _signature(cell: dtype_timeline.Cell) -> str:
    """`float32` where nothing changes in the op, else `int8 → int32`."""
    # A constant that is bound but not typed yet is `?`: the other inputs say enough.
    read = [dtype for dtype in dict.fromkeys(cell.inputs) if dtype != "?"]
    if read in ([], [cell.output]):
        return clip(cell.output, 30)
    return clip(f"{', '.join(read)} → {cell.output}", 60)
