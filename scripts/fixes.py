"""Hold each fix of TVM's quantizer against the gallery and the digits: what it cures, what changes.

examples:
  %(prog)s                     all of them, on TVM 0.16
  %(prog)s product_of_two      one, or several

Each case of docs/gallery runs on the TVM as it is and on a copy with the diff applied, and so does
the trained net. Prints a Markdown table.

exit code: 0 each cures a case, and makes nothing worse; 1 not; 2 bad usage; 3 set-up.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import gallery
from rich.console import Console

from tvmq_diag.analysis.fixes import FIXES, Fix
from tvmq_diag.commands import cli, trace
from tvmq_diag.commands.facts import plan_facts
from tvmq_diag.commands.plans import plan_of
from tvmq_diag.commands.running import carry_out
from tvmq_diag.comparison import run_diff
from tvmq_diag.comparison.outcome_diff import FIXED
from tvmq_diag.errors import UsageError
from tvmq_diag.results.run import Run
from tvmq_diag.toolchains import overlay, resolution
from tvmq_diag.toolchains.toolchain import Toolchain

DIGITS = "--model digits --check-on digits --dtype int8/int8/int32 --no-reference"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    names = [fix.name for fix in FIXES]
    parser.add_argument("fixes", nargs="*", default=names, metavar="FIX", help=", ".join(names))


def run(options: argparse.Namespace) -> int:
    """Print the table; returns the exit code. Raises UsageError, SetupError."""
    unknown = set(options.fixes) - {fix.name for fix in FIXES}
    if unknown:
        raise UsageError(f"no fix {', '.join(sorted(unknown))}")
    screen = Console(stderr=True)
    chain = resolution.resolve(echo=screen.print)
    fine = True
    print("| fix | cures | makes worse | of |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        before = {name: _run(words, chain, folder / name, screen) for name, words in _cases()}
        for fix in (fix for fix in FIXES if fix.name in options.fixes):
            cured, worse = _held(fix, chain, before, folder / fix.name, screen)
            fine &= bool(cured) and not worse
            lists = (", ".join(names) or "nothing" for names in (cured, worse))
            print(f"| {fix.name} | {' | '.join(lists)} | {len(before)} |", flush=True)
    return 0 if fine else 1


def _cases() -> list[tuple[str, list[str]]]:
    """Names and options: those of the gallery's README, and of the digits."""
    text = (gallery.GALLERY / "README.md").read_text(encoding="utf-8")
    commands = {name: command for name, (command, _) in gallery.cases(text).items()}
    each = [(name, gallery.options(command)) for name, command in commands.items()]
    return [*each, ("digits", shlex.split(DIGITS))]


def _held(
    fix: Fix, chain: Toolchain, before: dict[str, Path], folder: Path, screen: Console
) -> tuple[list[str], list[str]]:
    """The cases that are cured, and those that are worse, by name."""
    patched = overlay.patched(chain, fix.patch, folder / "tvm")
    cured, worse = [], []
    for name, words in _cases():
        compared = run_diff.compare(before[name], _run(words, patched, folder / name, screen))
        cured += [name] if any(d.outcome == FIXED for d in compared.configurations) else []
        worse += [name] if compared.regressions() else []
    return cured, worse


def _run(words: list[str], chain: Toolchain, folder: Path, screen: Console) -> Path:
    parser = argparse.ArgumentParser()
    trace.add_arguments(parser)
    plan = replace(plan_of(parser.parse_args(words), screen.print, chain), reference=False)
    carry_out(plan, Run(folder, plan_facts(plan)), screen, f"{folder.parent.name}/{folder.name}")
    return folder


if __name__ == "__main__":
    sys.exit(cli.script(sys.modules[__name__]))
