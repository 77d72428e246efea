"""Look whether all that the tool needs is here, and say what to do where it is not.

Nothing is installed or changed. A smoke compile quantizes, builds and runs the smallest model.

examples:
  %(prog)s                      some seconds
  %(prog)s --tvm relax          the smoke compile on another toolchain
  %(prog)s --no-smoke           without one

exit code: 0 nothing is to be mended; 1 something is; 2 bad usage; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.table import Table
from rich.text import Text

from ..doctor import machine, setup, smoke
from ..doctor.findings import Finding, State, bad, note, ok
from ..errors import UsageError
from ..reports.text import console
from ..toolchains.recipes import RECIPES
from ..trace.stages import RELAY
from . import defaults
from .folders import RUNS
from .outcome import Outcome

_STYLES = {State.OK: "bold green", State.BAD: "bold red", State.NOTE: "bold yellow"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `doctor`."""
    parser.add_argument(
        "--tvm",
        default=RELAY,
        choices=list(RECIPES),
        help="the toolchain to try, if it is there (%(default)s)",
    )
    parser.add_argument("--no-smoke", action="store_true", help="leave the smoke compile out")


def run(options: argparse.Namespace) -> Outcome:
    """Look, and print."""
    findings = [
        setup.interpreter(),
        _defaults(),
        setup.installer(),
        setup.index(),
        *setup.toolchains(),
        machine.processor(),
        *machine.disks(RUNS),
        machine.caches(),
        *setup.extras(),
    ]
    if not options.no_smoke:
        console.progress().print(f"smoke compile in {options.tvm} …")
        findings.append(smoke.compiled(options.tvm))
    console.screen().print(_table(findings))
    to_mend = any(finding.state == State.BAD for finding in findings)
    return Outcome(int(to_mend), {"findings": [_record(finding) for finding in findings]})


def _defaults() -> Finding:
    """The file that options have their defaults from, here."""
    from . import cli  # which imports every command, this one too

    try:
        file = defaults.find(Path.cwd())
        if file is None:
            return ok(
                "defaults", f"none: no {defaults.OWN}, no [tool.{defaults.TOOL}] here or above"
            )
        unknown = defaults.unknown(file, {name: cli.parser_of(name) for name in cli.COMMANDS})
        for name in cli.COMMANDS:
            file.of(name)
    except UsageError as error:
        return bad("defaults", str(error), "mend that file")
    if unknown:
        return note(
            "defaults",
            f"{file.path}: no command knows {', '.join(unknown)}",
            "tvmq-diag COMMAND --help has the options",
        )
    return ok("defaults", f"{file.path}: {', '.join(file.table) or 'empty'}")


def _table(findings: list[Finding]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    for finding in findings:
        told = Text(finding.found)
        if finding.remedy:
            told.append(f"\n→ {finding.remedy}", style="bold")
        state = Text(finding.state.value, style=_STYLES[finding.state])
        table.add_row(state, finding.what, told)
    return table


def _record(finding: Finding) -> dict[str, str]:
    return {
        "what": finding.what,
        "state": finding.state.value,
        "found": finding.found,
        "remedy": finding.remedy,
    }
