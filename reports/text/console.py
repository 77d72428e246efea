"""How anything is printed in a terminal: readable in 80 columns and without colour."""

from __future__ import annotations

from rich.console import Console

STYLES = {"good": "bold green", "bad": "bold red", "odd": "bold yellow", "muted": "dim"}
"""By the look of an outcome (see reports.formatting.outcome_class), and of what is not there."""


def print_plain(console: Console, line: str) -> None:
    """Print a line as it is: paths stay whole, and what looks like markup stays text."""
    console.print(line, highlight=False, soft_wrap=True, markup=False)
