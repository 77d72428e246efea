"""Go on looking into a failure that is on record: every op on its own, and the smallest module.

A trace stops looking after a fixed time. This goes on where it stopped, with the time you give it
and each experiment in a process of its own, then writes the run's page anew.

examples:
  %(prog)s runs/resnet50-int4-20261123-101500/traces/int4
  %(prog)s runs/mine/traces/int4 --seconds 3600

exit code: 0 done; 2 bad usage; 3 the tool or its set-up failed; 130 Ctrl-C, what was found out
until then is kept.
"""

from __future__ import annotations

import argparse

from ..analysis import judge, recovery
from ..configuration import parse
from ..driver import investigation, provenance
from ..driver.progress import Live
from ..errors import UsageError
from ..reports.pages import run as run_page
from ..reports.text import console, verdict
from ..reports.text.console import print_plain
from ..results import store
from ..toolchains import resolution
from ..toolchains.limits import Limits, usable_bytes
from ..trace.ending import How
from .options import add_experiments
from .outcome import Outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `reduce`."""
    add_experiments(parser, "the reduction, and again for the map")


def run(options: argparse.Namespace) -> Outcome:
    """Reduce, print, write. Raises UsageError when there is nothing to look into."""
    screen, progress = console.screen(), console.progress()
    work = recovery.load(options.trace.parent.parent)
    result = store.result_in(work, options.trace)
    assert result.trace is not None
    if work.facts.script is not None:
        raise UsageError(f"{options.trace} is of a script, which is run by nobody but you")
    if not result.trace.can_replay:
        raise UsageError(f"{options.trace} has no pass that failed: there is nothing to reduce")
    source = investigation.job_of(result.trace).model.source
    provenance.confirm(work, source, options.trust)
    chain = resolution.of_run(work.facts, progress.print)
    limits = Limits(60 + 10 * options.seconds, usable_bytes())
    live = Live(progress)
    try:
        live.begin(f"{result.verdict.configuration}: looking again")
        recorded, ending = investigation.look_again(
            chain, result.trace, limits, options.seconds, live.progress
        )
    finally:
        live.close()
    result.trace = recorded
    judge.blame(result.verdict, parse(result.verdict.configuration), recorded)
    investigation.reproduce(chain, recorded, result.verdict, work.directory)
    store.write(work)
    written = run_page.write(work)
    screen.print(verdict.lines(result))
    print_plain(screen, f"report: {written}")
    if ending.how == How.INTERRUPTED:
        raise KeyboardInterrupt
    return Outcome(record=store.to_json(work))
