"""Run the same configurations on two TVMs, or on one without and with a patch, and compare them.

examples:
  %(prog)s --patch change.diff --model tiny           TVM 0.16 as it is, and patched
  %(prog)s --patch change.diff --tvm-python ~/my-tvm/bin/python
  %(prog)s --tvm-python ~/before/bin/python --tvm-python ~/after/bin/python
  %(prog)s --patch change.diff --dtype int4 --no-reference --allow moved-earlier

The patch is a unified diff of TVM's Python files (`git diff` in a clone of TVM, say). It is applied
to a copy inside the output folder: the installed TVM stays as it is.

exit code: 0 nothing is worse; 1 something is, see compare_traces.py; 2 bad usage; 3 the tool or its
set-up failed; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from ..comparison import run_diff
from ..configuration import parse_list
from ..errors import UsageError
from ..reports.pages import index
from ..reports.text import comparison, console
from ..results.run import Run
from ..toolchains import overlay, resolution
from ..toolchains.recipes import RECIPES
from ..toolchains.toolchain import Toolchain
from . import compare
from .facts import plan_facts
from .folders import fresh_directory, stem
from .options import add_out, add_own_tvms, add_sweep
from .outcome import Outcome
from .plans import plan_of
from .running import carry_out

DTYPES = "int8/int8/int32,int8,int4"

SIDES = "before", "after"
"""The folders of the two runs, inside the output folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `ab`."""
    add_sweep(parser, DTYPES)
    tvms = parser.add_argument_group("TVMs: two, or one and a patch")
    tvms.add_argument("--patch", type=Path, metavar="FILE", help="what the second run has changed")
    tvms.add_argument(
        "--tvm",
        action="append",
        default=[],
        metavar="NAME",
        help=f"{', '.join(RECIPES)} (relay); may be given twice",
    )
    add_own_tvms(tvms, "; may be given twice")
    compare.add_tolerances(parser)
    parser.add_argument(
        "--no-reference",
        action="store_true",
        help="compare the compiles only: no int8/int8/int32 beside them, no benchmark",
    )
    add_out(parser, "ab-MODEL-DTYPE-TIME")


def run(options: argparse.Namespace) -> Outcome:
    """Run both, compare, print, write."""
    progress = console.progress()
    allowed = compare.allowances(options)
    name = f"ab-{stem(options.model, parse_list(options.dtype))}"
    directory = fresh_directory(options.out, name)
    chains = _two(options, directory, progress.print)
    for side, chain in zip(SIDES, chains, strict=True):
        _carry_out(options, chain, directory / side, progress)
    old, new = (directory / side for side in SIDES)
    compared = run_diff.compare(old, new, compare.tolerances(options))
    page = compare.write(compared, _about(options, chains), directory)
    console.error(f"report: {page}")
    console.plain(comparison.text(compared))
    index.update(directory.parent)
    return Outcome(1 if compared.regressions(allowed) else 0, {"page": page, **compared.to_json()})


def _two(
    options: argparse.Namespace, directory: Path, echo: Callable[[str], None]
) -> tuple[Toolchain, Toolchain]:
    """The TVMs to compare. Raises UsageError unless that is what was given."""
    given = [(name, None) for name in options.tvm] + [(None, path) for path in options.tvm_python]
    if options.patch is None:
        if len(given) != 2:
            raise UsageError("give two TVMs, --tvm-python PATH twice, or one and --patch FILE")
        old, new = (resolution.resolve(name, path, echo=echo) for name, path in given)
        return old, new
    if len(given) > 1:
        raise UsageError("--patch is for one TVM: leave the other one out")
    name, path = given[0] if given else (None, None)
    chain = resolution.resolve(name, path, echo=echo)
    directory.mkdir(parents=True, exist_ok=True)
    return chain, overlay.patched(chain, options.patch, directory / overlay.FOLDER)


def _carry_out(
    options: argparse.Namespace, chain: Toolchain, directory: Path, progress: Console
) -> None:
    plan = plan_of(options, progress.print, chain)
    plan = replace(plan, reference=not options.no_reference, explore=False)
    carry_out(plan, Run(directory, plan_facts(plan)), progress, directory.name)


def _about(options: argparse.Namespace, chains: tuple[Toolchain, Toolchain]) -> dict[str, str]:
    before, after = (chain.name for chain in chains)
    if options.patch is not None:
        after = f"{after}, patched with {options.patch}"
    return {"before": before, "now": after}
