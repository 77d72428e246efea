"""A script of somebody's own, as `trace --script` runs it."""

from __future__ import annotations

import argparse
import re
import shlex
import sys

from rich.console import Console

from ..driver import provenance, scripts
from ..driver.progress import Live
from ..driver.scripts import ScriptPlan
from ..errors import UsageError
from ..reports.pages import index
from ..reports.pages import run as run_page
from ..reports.text import console, verdict
from ..reports.text.console import print_plain
from ..results import store
from ..results.facts import RunFacts
from ..results.run import Run
from ..results.verdict import WORKS
from ..toolchains import needs, resolution
from ..toolchains.limits import Limits, usable_bytes
from ..trace.layout import OUTPUT
from . import browser
from .facts import circumstances
from .folders import fresh_directory, held
from .outcome import Outcome

_OF_A_MODEL = (
    "target",
    "rpc",
    "input_shape",
    "weights",
    "calibrate_on",
    "check_on",
    "mcpu",
    "quantize_opt_level",
)


def run(options: argparse.Namespace) -> Outcome:
    """Run the script, print what it printed and the verdict, write the page.

    Raises UsageError, SetupError, and KeyboardInterrupt after Ctrl-C, when all is written.
    """
    screen, progress = console.screen(), console.progress()
    plan = _plan(options, progress)
    typed = shlex.join([str(options.script), *options.arguments])
    stem = re.sub(r"[^\w.-]+", "_", options.script.stem)
    facts = RunFacts(
        **circumstances(),
        script=typed,
        toolchain=plan.toolchain.name,
        python=str(plan.toolchain.python),
        dialect=plan.toolchain.dialect,
        dialect_extension=plan.toolchain.extension,
    )
    work = Run(fresh_directory(options.out, stem), facts)
    work.directory.mkdir(parents=True, exist_ok=True)
    provenance.sign(work.directory)
    live = Live(progress)
    live.begin(typed)
    try:
        with held(work.directory):
            scripts.carry_out(plan, work, live.progress)
    finally:
        live.close()
        written = run_page.write(work)
    _print(screen, work)
    print_plain(screen, f"report: {written}")
    browser.opening(options.open, progress)(written)
    index.update(work.directory.parent)
    if work.facts.interrupted:
        raise KeyboardInterrupt
    return Outcome(0 if work.results[0].verdict.outcome == WORKS else 1, store.to_json(work))


def _plan(options: argparse.Namespace, progress: Console) -> ScriptPlan:
    if not options.script.is_file():
        raise UsageError(f"--script {options.script}: no such file")
    given = [name for name in _OF_A_MODEL if getattr(options, name) is not None]
    if given:
        option = f"--{given[0].replace('_', '-')}"
        raise UsageError(f"{option} is for a model; a script says itself what it compiles")
    memory = int(options.memory_limit * 2**30) if options.memory_limit else usable_bytes()
    chain = resolution.resolve(
        options.tvm, options.tvm_python, options.dialect, echo=progress.print
    )
    resolution.equip(chain, needs.of_script(options.script), progress.print)
    limits = Limits(options.timeout, memory)
    return ScriptPlan(options.script, options.arguments, chain, limits, options.save_ir)


def _print(screen: Console, work: Run) -> None:
    """What the script printed, as it printed it, and the verdict."""
    for result in work.results:
        if result.trace is not None:
            printed = (result.trace.path / OUTPUT).read_bytes()
            sys.stdout.flush()
            sys.stdout.write(printed.decode("utf-8", "replace"))
        screen.print(verdict.lines(result))
