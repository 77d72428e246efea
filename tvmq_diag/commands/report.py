"""Render the report of a trace that QuantizeTrace recorded in a script of your own, or of a run.

examples:
  %(prog)s runs/mine          writes runs/mine/index.html
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from rich.console import Console

from .. import __version__
from ..analysis import judge
from ..reports.pages import run as run_page
from ..reports.text import verdict
from ..reports.text.console import print_plain
from ..results import store
from ..results.verdict import Result, Run
from ..trace import layout, reader


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `report`."""
    parser.add_argument("trace", type=Path, help="the folder of the trace or run")


def run(options: argparse.Namespace) -> int:
    """Write the page; returns 0."""
    run = options.trace
    work = store.load(run) if (run / layout.VERDICTS).exists() else _recording(run)
    written = run_page.write(work)
    screen = Console()
    for result in work.with_role("asked"):
        screen.print(verdict.lines(result))
    print_plain(screen, f"report: {written}")
    return 0


def _recording(folder: Path) -> Run:
    recorded = reader.load(folder)
    facts = {
        "command": shlex.join(recorded.facts.command),
        "created": recorded.facts.time,
        "toolchain": "in process",
        "tool_version": __version__,
    }
    return Run(folder, facts, [Result(judge.of_recording(recorded), "asked", recorded)])
