"""Dtype by target, in the terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from tvmq_diag.results.run import Run

from ..views import targets
from .console import STYLES


def table(run: Run) -> Table | None:
    """What compiles where, and by which instructions; None where one machine was asked for."""
    view = targets.table(run)
    if view is None:
        return None
    grid = Table(box=None, pad_edge=False, padding=(0, 1), collapse_padding=True)
    grid.add_column("configuration", overflow="fold")
    grid.add_column("target", overflow="fold")
    grid.add_column("outcome", no_wrap=True)
    grid.add_column("int8 kernels multiply by", overflow="fold")
    for name, cells in view.rows:
        for column, cell in zip(view.columns, cells, strict=True):
            outcome = Text(f"{cell.mark} {cell.outcome}", style=STYLES[cell.look])
            used = "\n".join(text for text in (cell.fast, cell.instructions) if text)
            grid.add_row(Text(name), Text(column.name), outcome, Text(used))
    return grid
