"""Doing a plan, as the commands do it: progress shown, the page written whatever ends it."""

from __future__ import annotations

from rich.console import Console

from ..driver import provenance, session
from ..driver.plan import Observer, Plan
from ..driver.progress import Live
from ..reports.pages import run as run_page
from ..results.run import Run


def carry_out(plan: Plan, work: Run, progress: Console, label: str = "") -> None:
    """Do a plan: `work` fills up. `label` goes before what is being done.

    Raises as session.carry_out does, and KeyboardInterrupt after Ctrl-C, when all is written.
    """
    work.directory.mkdir(parents=True, exist_ok=True)
    provenance.sign(work.directory)
    live = Live(progress)
    before = f"{label}: " if label else ""
    observer = Observer(lambda what: live.begin(before + what), live.progress, live.decided)
    try:
        session.carry_out(plan, work, observer)
    finally:
        live.close()
        run_page.write(work)
    if work.facts.interrupted:
        raise KeyboardInterrupt
