"""A version matrix as a table in the terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from tvmq_diag.results.version_matrix import Versions

from ..formatting import clip
from ..views.version_matrix import VersionEntry, cell
from .console import STYLES


def table(matrix: Versions) -> Table:
    """Configurations by toolchains, readable in 80 columns."""
    grid = Table(box=None, pad_edge=False, padding=(0, 1), collapse_padding=True)
    grid.add_column("", overflow="fold", max_width=16)
    for column in matrix.columns:
        version = f"\nTVM {clip(column.version, 30)}" if column.version else ""
        head = Text(clip(column.short, 60) + version)
        grid.add_column(head, overflow="fold", ratio=1)
    for configuration in matrix.configurations:
        cells = [cell(column, configuration) for column in matrix.columns]
        grid.add_row(clip(configuration, 60), *(_cell(entries) for entries in cells))
    return grid


def _cell(entries: list[VersionEntry]) -> Text:
    lines = Text()
    for entry in entries:
        lines.append("\n" if lines else "")
        if entry.label:
            lines.append(f"{entry.label}\n", style="dim")
        lines.append(f"{entry.mark} {entry.word}", style=STYLES[entry.look])
        for line in filter(None, (entry.where, entry.op, entry.numbers, entry.speed)):
            lines.append(f"\n{line}")
    return lines
