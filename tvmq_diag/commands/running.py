"""Doing a plan, as the commands do it: progress shown, the page written whatever ends it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from ..driver import provenance, session
from ..driver.plan import Plan
from ..driver.progress import Live
from ..errors import UsageError
from ..reports.text.console import print_plain
from ..results.run import Run
from .folders import held
from .growing_page import GrowingPage


def carry_out(
    plan: Plan,
    work: Run,
    progress: Console,
    label: str = "",
    first: Callable[[Path], None] = lambda page: None,
) -> None:
    """Do a plan: `work` fills up, and its page grows meanwhile. `label` goes before what is being
    done, `first` gets the page when there is one.

    Raises as session.carry_out does, and KeyboardInterrupt after Ctrl-C, when all is written. A run
    that tried nothing, as its model cannot be had, leaves no folder.
    """
    made = not work.directory.exists()
    work.directory.mkdir(parents=True, exist_ok=True)
    provenance.sign(work.directory)
    live = Live(progress)
    before = f"{label}: " if label else ""

    def tell(written: Path) -> None:
        print_plain(progress, f"  page   {written}")
        first(written)

    page = GrowingPage(work, tell)

    def begin(what: str) -> None:
        live.close()
        page.begin(what)
        live.begin(before + what)

    observer = replace(live.observer(), turn=page.turn, begin=begin)
    try:
        with held(work.directory):
            session.carry_out(plan, work, observer)
    finally:
        live.close()
        page.finish()
        cannot_be_had = isinstance(sys.exc_info()[1], UsageError) and not work.results
        if made and cannot_be_had:
            shutil.rmtree(work.directory, ignore_errors=True)
    if work.facts.interrupted:
        raise KeyboardInterrupt
