"""The page of a support matrix: what TVM can do in each dtype, and what to fix next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tvmq_diag.results.support_matrix import (
    NEEDS,
    STEPS,
    Blocker,
    Cell,
    Matrix,
    Step,
    blockers,
)

from .. import formatting
from ..templating import environment

MEANINGS = {
    "type inference": "TVM accepts the op on tensors of the dtype",
    "realize": "the quantizer (up to QuantizeRealize) turns a float op of this kind, between two"
    " convolutions, into this dtype",
    "fold": "FoldConstant takes a constant operand of the dtype",
    "lower": "relay.build lowers the op to loops",
    "codegen": "LLVM generates code for them",
    "allocation": "the graph executor allocates tensors of the dtype",
    "run": "one inference comes back",
    "numbers": "every value is the one numpy computes",
}

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
class Line:
    """A step in the details of a cell."""

    step: Step
    look: str
    mark: str
    word: str


@dataclass(frozen=True)
class Detail:
    """A cell with all its steps."""

    cell: Cell
    square: Square
    lines: list[Line]


@dataclass(frozen=True)
class Todo:
    """What must be fixed for one dtype. `untried` are the steps that no op got to."""

    dtype: str
    summary: str
    blockers: list[Blocker]
    total: int
    untried: list[str]


def write(matrix: Matrix, directory: Path) -> Path:
    """Write `index.html` into the folder; returns it."""
    page = directory / "index.html"
    page.write_text(render(matrix), encoding="utf-8")
    return page


def render(matrix: Matrix) -> str:
    """The page as HTML."""
    template = environment().get_template("matrix.html.j2")
    return template.render(
        matrix=matrix,
        summary=summary(matrix),
        complete=len(matrix.cells) == len(matrix.ops) * len(matrix.dtypes),
        rows=[(op, [square(matrix, op, dtype) for dtype in matrix.dtypes]) for op in matrix.ops],
        todos=[todo(matrix, dtype) for dtype in matrix.dtypes],
        details=[detail(matrix, cell) for cell in matrix.cells],
        meanings=[(step, MEANINGS[step], NEEDS.get(step)) for step in STEPS],
        facts=_facts(matrix),
    )


def summary(matrix: Matrix) -> str:
    """The matrix in one sentence."""
    said = []
    for dtype in matrix.dtypes:
        cells = matrix.of_dtype(dtype)
        works = sum(cell.stopped_at is None for cell in cells)
        said.append(f"{works} of {len(cells)} in {dtype}")
    return f"Kinds of op that get through every step: {', '.join(said)}"


def todo(matrix: Matrix, dtype: str) -> Todo:
    """What must be fixed before a dtype works."""
    cells = matrix.of_dtype(dtype)
    found = blockers(cells)
    works = sum(cell.stopped_at is None for cell in cells)
    if not cells:
        said = "No cell of it was run."
    elif not found:
        said = f"Nothing: all {len(cells)} ops get through every step."
    else:
        things = "One thing" if len(found) == 1 else f"{len(found)} things"
        said = f"{things}; {works} of {len(cells)} ops get through every step as it is."
    tried = {step.name for cell in cells for step in cell.steps if step.ok is not None}
    return Todo(dtype, said, found, len(cells), [s for s in STEPS if cells and s not in tried])


def square(matrix: Matrix, op: str, dtype: str) -> Square:
    """What the table shows of a cell."""
    cell = matrix.cell(op, dtype)
    key = f"c{matrix.ops.index(op)}-{matrix.dtypes.index(dtype)}"
    if cell is None:
        return Square("", "muted", formatting.DASH, "not run", "")
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
            lines.append(Line(step, "muted", formatting.DASH, "not tried"))
        elif step.ok:
            lines.append(Line(step, "good", "✓", "ok"))
        else:
            lines.append(Line(step, "bad", "✗", "fails"))
    return Detail(cell, square(matrix, cell.op, cell.dtype), lines)


def _facts(matrix: Matrix) -> list[tuple[str, str]]:
    names = {
        "command": "command line",
        "toolchain": "toolchain",
        "python": "interpreter",
        "tvm_version": "TVM",
        "mcpu": "-mcpu",
        "timeout": "time-out",
        "created": "created",
        "seconds": "seconds",
        "tool_version": "tvmq_diag",
    }
    return [
        (label, formatting.clip(matrix.facts[name], 1000))
        for name, label in names.items()
        if matrix.facts.get(name) is not None
    ]
