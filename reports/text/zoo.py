"""A zoo as text: what came of it, what is not as in the baseline, and a line for each model."""

from __future__ import annotations

from collections.abc import Iterator

from tvmq_diag.comparison.zoo_diff import ZooDiff
from tvmq_diag.results.zoo import Zoo, ZooCell

from ..formatting import DASH, clip, outcome_mark
from ..views import zoo as view


def lines(work: Zoo, diff: ZooDiff | None) -> Iterator[str]:
    """What became worse comes first, then each model with the marks of its cells."""
    if diff is not None:
        yield f"against the baseline: {clip(diff.headline, 200)}"
        for change in view.changed(diff):
            yield f"  {change.mark} {change.kind:9} {change.where}: {change.said}"
        yield from (f"  {clip(note, 300)}" for note in diff.notes)
    yield clip(work.headline, 400)
    columns = view.columns(work)
    several = len(work.tvms) > 1
    for number, column in enumerate(columns, 1):
        on = f" on {clip(column.tvm, 40)}" if several else ""
        yield f"  {number:>2}  {clip(column.configuration, 80)}{on}: {column.works}"
    numbers = " ".join(f"{number:>2}" for number in range(1, len(columns) + 1))
    widest = max((len(clip(model, 60)) for model in work.models), default=0)
    yield f"{'':{widest}}  {numbers}"
    for row in view.rows(work, diff):
        marks = " ".join(f"{_marks(cell):>2}" for cell in row.cells)
        yield f"{clip(row.model, 60):{widest}}  {marks}"
    used = {entry.outcome for cell in work.cells for entry in cell.entries}
    legend = [f"{outcome_mark(name)} {name}" for name in sorted(used)]
    yield ", ".join([*legend, *(["? no result"] if any(c.problem for c in work.cells) else [])])


def progress_line(cell: ZooCell, count: int, total: int) -> str:
    """A cell that is done: `3 of 48: tiny in int4 on relay: rejected (12 s)`."""
    outcomes = dict.fromkeys(entry.outcome for entry in cell.entries)
    said = ", ".join(outcomes) or f"{view.NO_RESULT}: {clip(cell.problem or '', 200)}"
    took = "kept" if cell.kept else f"{cell.seconds:.0f} s" if cell.seconds else DASH
    where = f"{clip(cell.model, 60)} in {clip(cell.configuration, 60)} on {clip(cell.tvm, 40)}"
    return f"{count} of {total}: {where}: {said} ({took})"


def _marks(cell: view.CellView) -> str:
    return "".join(entry.mark for entry in cell.entries)
