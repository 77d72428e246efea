"""What became of each anchor op's dtypes from stage to stage, as a table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tvmq_diag.analysis import dtype_timeline
from tvmq_diag.history.lineage import Graphs
from tvmq_diag.trace.trace import Trace

from ..formatting import FAMILY_MARKS, clip, dtype_family
from .addresses import Addresses

LIMIT = 1500
"""Rows of a table: more of them take a browser longer than somebody waits."""


@dataclass
class TimelineCell:
    """A cell of the timeline. `family` colours it; `state` is missing, same, first or changed."""

    text: str = ""
    family: str = "other"
    state: str = "missing"
    title: str = ""
    rejected: bool = False
    href: str | None = None
    casts: tuple[str, ...] = ()
    """Where its values come from another dtype, and go back to float; where that is new."""

    @property
    def mark(self) -> str:
        """The family as a symbol."""
        return FAMILY_MARKS[self.family]


@dataclass
class TimelineRow:
    """An anchor op: `changed` if its dtypes change anywhere, or it was rejected."""

    label: str
    span: str
    kind: str = ""
    cells: list[TimelineCell] = field(default_factory=list)
    changed: bool = False
    rejected: bool = False


@dataclass
class TimelineView:
    """The timeline as a table: a column a stage, a row an op; `changed` counts rows."""

    stages: list[str]
    rows: list[TimelineRow]
    changed: int = 0
    left: int = 0
    """Ops that have no row: the viewer has them."""
    links: dict[str, str] = field(default_factory=dict)
    """Where the viewer shows what a stage left behind."""


def timeline(
    trace: Trace, addresses: Addresses | None = None, graphs: Graphs | None = None
) -> TimelineView:
    """The dtype timeline of a trace, ready to be laid out."""
    recorded = dtype_timeline.timeline(
        trace, (lambda snapshot: graphs.of(trace, snapshot.number)) if graphs else None
    )
    stages = list(recorded.stages)
    if recorded.rejected_stage is not None and recorded.rejected_stage not in stages:
        stages.append(recorded.rejected_stage)
    stages = [stage for stage in stages if _typed(recorded, stage)]
    rows = [_row(row, stages, recorded.rejected_stage) for row in recorded.rows]
    links = _link(trace, recorded, rows, stages, addresses) if addresses is not None else {}
    blamed = trace.blamed()
    for row in rows:
        if row.rejected and blamed is not None:
            row.label += f" (op #{blamed[0]})"
    changed = sum(row.changed for row in rows)
    shown = [row for number, row in enumerate(rows) if number < LIMIT or row.rejected]
    return TimelineView(stages, shown, changed, len(rows) - len(shown), links)


def _link(
    trace: Trace,
    recorded: dtype_timeline.Timeline,
    rows: list[TimelineRow],
    stages: list[str],
    addresses: Addresses,
) -> dict[str, str]:
    """Give each cell that tells something its address; returns those of the stages."""
    for view, row in zip(rows, recorded.rows, strict=True):
        for stage, shown in zip(stages, view.cells, strict=True):
            cell = row.cells.get(stage)
            if cell is not None and shown.state != "same":
                snapshot = trace.snapshot(recorded.modules.get(stage))
                shown.href = addresses.op(snapshot, cell.node)
    found = {stage: addresses.module(recorded.modules.get(stage)) for stage in stages}
    return {stage: href for stage, href in found.items() if href is not None}


def _typed(recorded: dtype_timeline.Timeline, stage: str) -> bool:
    """Is any dtype known at this stage? Before TVM's first type inference none is."""
    cells = [row.cells[stage] for row in recorded.rows if stage in row.cells]
    return any(cell.output != "?" for cell in cells)


def _row(
    row: dtype_timeline.AnchorRow, stages: list[str], rejected_stage: str | None
) -> TimelineRow:
    # The timeline counts anchors, a verdict counts calls: two numberings on one page would mislead.
    label = re.sub(r"^#\d+ ", "", row.label)
    view = TimelineRow(
        clip(label, 60), clip(row.span or "", 80), clip(row.kind, 40), rejected=row.rejected
    )
    previous, crossed = "", tuple[str, ...]()
    for stage in stages:
        cell = row.cells.get(stage)
        if cell is None:
            view.cells.append(TimelineCell())
            continue
        text = _signature(cell)
        state = "same" if text in (previous, "?") else "changed" if previous else "first"
        rejected = row.rejected and stage == rejected_stage
        title = f"{cell.op}: {', '.join(cell.inputs)} → {cell.shape}"
        title += "".join(f"; {step.kind} {step}" for step in cell.stands_for)
        view.cells.append(
            TimelineCell(text, dtype_family(cell.output), state, clip(title, 400), rejected)
        )
        casts = _casts(cell)
        view.cells[-1].casts = casts if casts != crossed else ()
        crossed = casts
        # A dtype that was not inferred yet did not change when it became recorded.
        previous = previous if text == "?" else text
    view.changed = row.rejected or any(cell.state == "changed" for cell in view.cells)
    return view


def _casts(cell: dtype_timeline.AnchorCell) -> tuple[str, ...]:
    """What is said of the casts around an op."""
    said = []
    if cell.cast_from is not None:
        said.append(f"↘ cast from {clip(cell.cast_from, 20)}")
    if cell.back_to is not None:
        said.append(f"↗ back to {clip(cell.back_to, 20)}")
    return tuple(said)


def _signature(cell: dtype_timeline.AnchorCell) -> str:
    """`float32` where nothing changes in the op, else `int8 → int32`."""
    # A constant that is bound but not typed yet is `?`: the other inputs say enough.
    read = [dtype for dtype in dict.fromkeys(cell.inputs) if dtype != "?"]
    if read in ([], [cell.output]):
        text = clip(cell.output, 30)
    else:
        text = clip(f"{', '.join(read)} → {cell.output}", 60)
    return f"{text}, {_will_be(cell)}" if cell.stands_for else text


def _will_be(cell: dtype_timeline.AnchorCell) -> str:
    """What it will compute in: its data's, which comes first, and the dtypes of the others where
    they are not the same; the title has all."""
    data, *others = cell.stands_for
    besides = [step for step in others if step.dtype != data.dtype]
    told = "".join(f", {step.kind} as {clip(step.dtype or '?', 20)}" for step in besides[:1])
    return clip(str(data), 60) + told
