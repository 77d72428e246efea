"""A support matrix as a table in the terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from tvmq_diag.results.support_matrix import Matrix


def table(matrix: Matrix) -> Table:
    """Ops by dtypes: the stage that stops each and those that fail behind it, or a tick."""
    title = "what stops each op, by dtype: the first stage that fails, and those after it"
    grid = Table(title=title, title_justify="left", box=None)
    grid.add_column("op", no_wrap=True)
    for dtype in matrix.dtypes:
        grid.add_column(dtype, overflow="fold")
    for op in matrix.ops:
        grid.add_row(op, *(_cell(matrix, op, dtype) for dtype in matrix.dtypes))
    return grid


def _cell(matrix: Matrix, op: str, dtype: str) -> Text:
    cell = matrix.cell(op, dtype)
    if cell is None:
        return Text("not run", style="dim")
    if cell.stopped_at is None:
        return Text("✓", style="bold green")
    first, *others = [step.name for step in cell.blockers]
    stopped = Text(f"✗ {first}", style="red")
    return stopped.append("".join(f"\n  {name}" for name in others), style="dim")
