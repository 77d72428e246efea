"""Render the report of a run, of a trace of QuantizeTrace, or of a folder of pytest's.

QuantizeTrace records a trace in a script of your own, `pytest --tvmq-record` a folder.

examples:
  %(prog)s runs/mine          writes runs/mine/index.html

exit code: 0 written; 2 there is nothing that can be read; 3 the page cannot be written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..analysis import recording, recovery
from ..reports.pages import run as run_page
from ..reports.pages import tests as tests_page
from ..reports.text import console, verdict
from ..reports.text.console import print_plain
from ..results import store, test_session
from ..results.run import Role
from ..trace import layout
from . import browser
from .options import add_open
from .outcome import Outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `report`."""
    parser.add_argument("trace", type=Path, help="the folder of the trace, run or tests")
    add_open(parser)


def run(options: argparse.Namespace) -> Outcome:
    """Write the page."""
    run = options.trace
    if test_session.is_session(run):
        written = tests_page.write(test_session.load(run))
        print_plain(console.screen(), f"report: {written}")
        browser.opening(options.open, console.progress())(written)
        return Outcome(record={"page": written})
    work = recovery.load(run) if (run / layout.VERDICTS).exists() else recording.as_run(run)
    written = run_page.write(work)
    screen = console.screen()
    for result in work.with_role(Role.REQUESTED):
        screen.print(verdict.lines(result))
    print_plain(screen, f"report: {written}")
    browser.opening(options.open, console.progress())(written)
    return Outcome(record=store.to_json(work))
