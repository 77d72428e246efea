"""Render the report of a trace that QuantizeTrace recorded in a script of your own, of a run, or
of a folder of `pytest --tvmq-record`.

examples:
  %(prog)s runs/mine          writes runs/mine/index.html
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..analysis import recording, recovery
from ..reports.pages import run as run_page
from ..reports.pages import tests as tests_page
from ..reports.text import console, verdict
from ..reports.text.console import print_plain
from ..results import test_session
from ..results.run import Role
from ..trace import layout
from . import browser
from .options import add_open


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `report`."""
    parser.add_argument("trace", type=Path, help="the folder of the trace, run or tests")
    add_open(parser)


def run(options: argparse.Namespace) -> int:
    """Write the page; returns 0."""
    run = options.trace
    if test_session.is_session(run):
        written = tests_page.write(test_session.load(run))
        print_plain(console.screen(), f"report: {written}")
        browser.opening(options.open, console.progress())(written)
        return 0
    work = recovery.load(run) if (run / layout.VERDICTS).exists() else recording.as_run(run)
    written = run_page.write(work)
    screen = console.screen()
    for result in work.with_role(Role.REQUESTED):
        screen.print(verdict.lines(result))
    print_plain(screen, f"report: {written}")
    browser.opening(options.open, console.progress())(written)
    return 0
