"""How anything is printed in a terminal: readable in 80 columns, without colour, and harmless."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, TypeVar

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from tvmq_diag import foreign

STYLES = {"good": "bold green", "bad": "bold red", "odd": "bold yellow", "muted": "dim"}
"""By the look of an outcome (see reports.formatting.outcome_class), and of what is not there."""


class Screen(Console):
    """A console that prints texts without what a terminal would obey; its own colours stay."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:  # of the moving line
                yield segment
            else:
                yield Segment(foreign.printable(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        raise  # what rich would exit with means something else here


_Console = TypeVar("_Console", bound="Screen")


class Progress(Screen):
    """What is shown while something runs: where nobody sees it any more, that goes on without."""

    def print(self, *objects: Any, **options: Any) -> None:
        if self.quiet:
            return
        try:
            super().print(*objects, **options)
        except OSError:
            self.quiet = True


_IN_A_FILE = 160
"""Characters a line where nobody's screen limits them: a configuration is in one piece then."""


def screen() -> Screen:
    """Standard output."""
    return _wide(Screen())


def progress() -> Progress:
    """Standard error."""
    return _wide(Progress(stderr=True))


def _wide(console: _Console) -> _Console:
    """The console, with lines that are long enough where no screen limits them."""
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _IN_A_FILE
    return console


def print_plain(console: Console, line: str) -> None:
    """Print a line as it is: paths stay whole, and what looks like markup stays text."""
    console.print(line, highlight=False, soft_wrap=True, markup=False)


def plain(text: str) -> None:
    """Print lines to standard output, for whoever reads them by a program too."""
    print(foreign.printable(text), end="")


def error(line: str) -> None:
    """Print a line to standard error, if it is there; it may hold a text from elsewhere."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: closed
        print(foreign.printable(line), file=sys.stderr, flush=True)


def survive_encodings() -> None:
    """Have what the terminal's encoding lacks, a check mark perhaps, replaced and not refused."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def give_up_output() -> None:
    """Let go of what could not be written: Python would try again at its end, and complain."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
