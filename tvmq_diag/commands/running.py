"""Doing a plan, as the commands do it: progress shown, the page written whatever ends it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from reports import page

from .. import session
from ..outcome import Run
from ..plan import Observer, Plan
from ..progress import Live
from .common import model_facts


def carry_out(asked: Plan, directory: Path, progress: Console, label: str = "") -> Run:
    """Do a plan in a folder. Ctrl-C in a TVM process comes back as the fact `interrupted`.

    `label` goes before what is being done. Raises as Session.go does.
    """
    directory.mkdir(parents=True, exist_ok=True)
    work = Run(directory, model_facts(asked))
    live = Live(progress)
    before = f"{label}: " if label else ""
    observer = Observer(lambda what: live.begin(before + what), live.progress, live.decided)
    try:
        session.Session(asked, work, observer).go()
    finally:
        live.close()
        if work.results:
            page.write(work)
    return work
