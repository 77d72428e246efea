"""What a support matrix shows of each cell, and of what to fix for each dtype."""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.results.support_matrix import STEPS, Blocker, Cell, CellStep, Matrix, blockers

from ..formatting import DASH

KINDS = {"numbers": "odd"}
"""The look of a failing cell, where it is not "bad": wrong numbers are silent, not a stop."""


@dataclass(frozen=True)
class Square:
    """A cell of the table: a mark and a word beside its colour, and the key of its details."""

    key: str
    look: str
    mark: str
    word: str
    more: str


@dataclass(frozen=True)
class StepLine:
    """A step in the details of a cell."""

    step: CellStep
    look: str
    mark: str
    word: str


@dataclass(frozen=True)
class Detail:
    """A cell with all its steps."""

    cell: Cell
    square: Square
    lines: list[StepLine]


@dataclass(frozen=True)
class Todo:
    """What must be fixed for one dtype. `untried` are the steps that no op got to."""

    dtype: str
    summary: str
    blockers: list[Blocker]
    total: int
    untried: list[str]


def summary(matrix: Matrix) -> str:
    """The matrix in one sentence."""
    counts = []
    for dtype in matrix.dtypes:
        cells = matrix.of_dtype(dtype)
        works = sum(cell.stopped_at is None for cell in cells)
        counts.append(f"{works} of {len(cells)} in {dtype}")
    return f"Kinds of op that get through every step: {', '.join(counts)}"


def todo(matrix: Matrix, dtype: str) -> Todo:
    """What must be fixed before a dtype works."""
    cells = matrix.of_dtype(dtype)
    blocking = blockers(cells)
    works = sum(cell.stopped_at is None for cell in cells)
    if not cells:
        sentence = "No cell of it was run."
    elif not blocking:
        sentence = f"Nothing: all {len(cells)} ops get through every step."
    else:
        things = "One thing" if len(blocking) == 1 else f"{len(blocking)} things"
        sentence = f"{things}; {works} of {len(cells)} ops get through every step as it is."
    tried = {step.name for cell in cells for step in cell.steps if step.ok is not None}
    untried = [step for step in STEPS if cells and step not in tried]
    return Todo(dtype, sentence, blocking, len(cells), untried)


def square(matrix: Matrix, op: str, dtype: str) -> Square:
    """What the table shows of a cell."""
    cell = matrix.cell(op, dtype)
    key = f"c{matrix.ops.index(op)}-{matrix.dtypes.index(dtype)}"
    if cell is None:
        return Square("", "muted", DASH, "not run", "")
    if cell.stopped_at is None:
        return Square(key, "good", "✓", "works", "")
    others = len(cell.blockers) - 1
    look = KINDS.get(cell.stopped_at, "bad")
    mark = "≠" if look == "odd" else "✗"
    more = f"then {', '.join(step.name for step in cell.blockers[1:])}" if others else ""
    return Square(key, look, mark, cell.stopped_at, more)


def detail(matrix: Matrix, cell: Cell) -> Detail:
    """A cell with all its steps."""
    lines = []
    for step in cell.steps:
        if step.ok is None:
            lines.append(StepLine(step, "muted", DASH, "not tried"))
        elif step.ok:
            lines.append(StepLine(step, "good", "✓", "ok"))
        else:
            lines.append(StepLine(step, "bad", "✗", "fails"))
    return Detail(cell, square(matrix, cell.op, cell.dtype), lines)
