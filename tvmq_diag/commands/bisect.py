"""Find the pass and the op that a recorded result is wrong from, where nothing throws.

Quantizes and builds the configuration again, runs the model as each pass leaves it, and then the
first ops of it through the pass that is to blame. Writes the run's page anew. A trace does this by
itself for two minutes; here it may take the time you give it.

examples:
  %(prog)s runs/mine/traces/int8_int8_int32_nbit=4
  %(prog)s runs/mine/traces/int8 --seconds 3600

exit code: 0 done; 2 bad usage; 3 the tool or its set-up failed; 130 Ctrl-C, what was found out
until then is kept.
"""

from __future__ import annotations

import argparse

from ..analysis import accuracy, judge, recovery
from ..analysis.accuracy import Bounds
from ..driver import bisecting, investigation, provenance
from ..driver.progress import Live
from ..errors import UsageError
from ..reports.pages import run as run_page
from ..reports.text import console, verdict
from ..reports.text.console import print_plain
from ..results import store
from ..results.run import Role
from ..toolchains import resolution
from ..toolchains.limits import Limits, usable_bytes
from ..trace import layout
from ..trace.ending import How
from .options import add_experiments
from .outcome import Outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `bisect`."""
    add_experiments(parser, "all of them together")


def run(options: argparse.Namespace) -> Outcome:
    """Look for the pass and the op, print, write. Raises UsageError without a result."""
    screen, progress = console.screen(), console.progress()
    work = recovery.load(options.trace.parent.parent)
    result = store.result_in(work, options.trace)
    if result.role == Role.FLOAT:
        raise UsageError(f"{options.trace} is the float model: it is not quantized")
    if result.trace is None or result.trace.outputs is None:
        raise UsageError(f"{options.trace} has no outputs: see `tvmq-diag reduce` for what failed")
    source = investigation.job_of(result.trace).model.source
    provenance.confirm(work, source, options.trust)
    chain = resolution.of_run(work.facts, progress.print)
    limits = Limits(120 + 4 * options.seconds, usable_bytes())
    bounds = Bounds.of(work.facts.min_cosine, work.facts.min_agreement)
    live = Live(progress)
    try:
        live.begin(f"{result.verdict.configuration}: looking for the pass and the op")
        bisection, ending = bisecting.look(
            chain,
            investigation.job_of(result.trace),
            options.trace.with_name(f"{options.trace.name}{layout.BISECTION}"),
            limits,
            bounds,
            accuracy.shown_by(result.verdict.metrics, bounds),
            options.seconds,
            live.progress,
            result.trace.facts.made_with,
        )
    finally:
        live.close()
    result.bisection = bisection
    judge.blame_bisected(result.verdict, bisection)
    store.write(work)
    written = run_page.write(work)
    screen.print(verdict.lines(result))
    screen.print(bisection.answer, highlight=False, markup=False)
    print_plain(screen, f"report: {written}")
    if ending.how == How.INTERRUPTED:
        raise KeyboardInterrupt
    return Outcome(record=store.to_json(work))
