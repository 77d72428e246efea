"""What is printed is harmless, whoever wrote it, and still in colour."""

from __future__ import annotations

import io

import pytest
from rich.status import Status
from rich.table import Table
from rich.text import Text

from tvmq_diag.reports.text import console
from tvmq_diag.reports.text.console import Progress, Screen

HOSTILE = "conv\x1b]0;owned\x07\u202e"


def printed(what: object) -> str:
    out = io.StringIO()
    Screen(file=out, force_terminal=True, color_system="standard", width=80).print(what)
    return out.getvalue()


def test_a_text_loses_what_a_terminal_obeys_and_keeps_its_colour() -> None:
    shown = printed(Text(HOSTILE, style="bold red"))
    assert shown == "\x1b[1;31mconv�]0;owned�\x1b[0m\n"


def test_a_table_too() -> None:
    table = Table(HOSTILE)
    table.add_row(HOSTILE)
    shown = printed(table)
    assert "\x1b]" not in shown and "\u202e" not in shown and "conv�" in shown


def test_the_moving_line_too() -> None:
    out = io.StringIO()
    console = Progress(file=out, force_terminal=True, width=80)
    with Status(HOSTILE, console=console):
        pass
    assert "\x1b]" not in out.getvalue() and "conv�" in out.getvalue()


def test_progress_that_nobody_can_see_stops_nothing() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    console = Progress(file=Closed())
    console.print("one")
    console.print("two")


def test_lines_in_a_file_are_long_unless_columns_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    assert console.screen().width == console.progress().width == 160
    monkeypatch.setenv("COLUMNS", "70")
    assert console.screen().width == 70
