"""The page of a support matrix: what TVM can do in each dtype, and what to fix next."""

from __future__ import annotations

from pathlib import Path

from tvmq_diag import foreign
from tvmq_diag.results.support_matrix import NEEDS, STEPS, Matrix

from ..formatting import labelled
from ..templating import environment
from ..views.support_matrix import detail, square, summary, todo

MEANINGS = {
    "type inference": "TVM accepts the op on tensors of the dtype",
    "realize": "the quantizer (up to QuantizeRealize) turns a float op of this kind, between two"
    " convolutions, into this dtype",
    "fold": "FoldConstant takes a constant operand of the dtype",
    "lower": "the build lowers the op to loops",
    "codegen": "LLVM generates code for them",
    "allocation": "the runtime allocates tensors of the dtype",
    "run": "one inference comes back",
    "numbers": "every value is the one numpy computes",
}

_LABELS = {
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
"""What the facts are called on the page, in their order."""


def write(matrix: Matrix, directory: Path) -> Path:
    """Write `index.html` into the folder; returns it."""
    page = directory / "index.html"
    foreign.write(page, render(matrix))
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
        facts=labelled(matrix.facts, _LABELS),
    )
