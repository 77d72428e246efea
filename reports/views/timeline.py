"""What became of each anchor op's dtypes from stage to stage, as a table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tvmq_diag.analysis import dtype_timeline
from tvmq_diag.trace.trace import Trace

from ..formatting import FAMILY_MARKS, clip, dtype_family


@dataclass
class TimelineCell:
    """A cell of the timeline. `family` colours it; `state` is missing, same, first or changed."""

    text: str = ""
    family: str = "other"
    state: str = "missing"
    title: str = ""
    rejected: bool = False
    at: tuple[int | None, int] = (None, 0)
    """The op: the number of its snapshot, and the row in its table."""

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

    @property
    def at(self) -> tuple[int | None, int]:
        """The op in the first stage that it has a cell in."""
        return next((cell.at for cell in self.cells if cell.at[0] is not None), (None, 0))


@dataclass
class TimelineView:
    """The timeline as a table: a column a stage, a row an op; `changed` counts rows."""

    stages: list[str]
    rows: list[TimelineRow]
    changed: int = 0


def timeline(trace: Trace) -> TimelineView:
    """The dtype timeline of a trace, ready to be laid out."""
    recorded = dtype_timeline.timeline(trace)
    stages = list(recorded.stages)
    if recorded.rejected_stage is not None and recorded.rejected_stage not in stages:
        stages.append(recorded.rejected_stage)
    stages = [stage for stage in stages if _typed(recorded, stage)]
    rows = [_row(row, stages, recorded.rejected_stage) for row in recorded.rows]
    blamed = trace.blamed()
    for row in rows:
        if row.rejected and blamed is not None:
            row.label += f" (op #{blamed[0]})"
    return TimelineView(stages, rows, sum(row.changed for row in rows))


def _typed(recorded: dtype_timeline.Timeline, stage: str) -> bool:
    """Is any dtype known at this stage? Before TVM's first type inference none is."""
    cells = [row.cells[stage] for row in recorded.rows if stage in row.cells]
    return any(cell.output != "?" for cell in cells)


def _row(
    row: dtype_timeline.AnchorRow, stages: list[str], rejected_stage: str | None
) -> TimelineRow:
    # The timeline counts anchors, a verdict counts calls: two numberings on one page would mislead.
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
            TimelineCell(
                text,
                dtype_family(cell.output),
                state,
                clip(title, 200),
                rejected,
                (cell.module, cell.node),
            )
        )
        # A dtype that was not inferred yet did not change when it became recorded.
        previous = previous if text == "?" else text
    view.changed = row.rejected or any(cell.state == "changed" for cell in view.cells)
    return view


def _signature(cell: dtype_timeline.AnchorCell) -> str:
    """`float32` where nothing changes in the op, else `int8 → int32`."""
    # A constant that is bound but not typed yet is `?`: the other inputs say enough.
    read = [dtype for dtype in dict.fromkeys(cell.inputs) if dtype != "?"]
    if read in ([], [cell.output]):
        return clip(cell.output, 30)
    return clip(f"{', '.join(read)} → {cell.output}", 60)
