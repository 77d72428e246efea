"""Run the same model and configurations on several TVMs, and put the outcomes side by side.

Each TVM's own run, with all that the verdicts rest on, is in a folder inside the output folder, and
each cell of the page leads there.

examples:
  %(prog)s                            TVM 0.9 and 0.16 with Relay, 0.25 to 0.27 with Relax
  %(prog)s --tvm relay,relax --dtype int8/int8/int32,int4
  %(prog)s --tvm relax --tvm-python ~/tvm/bin/python

exit code: 0 it ran to its end, whatever it found; 2 bad usage; 3 a TVM could not be set up (the
page has the others); 130 Ctrl-C, what was found out until then is on the page.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from .. import foreign
from ..configuration import parse_list
from ..errors import DiagError, UsageError
from ..reports.pages import index
from ..reports.pages import version_matrix as page
from ..reports.text import console
from ..reports.text import version_matrix as text
from ..reports.text.console import print_plain
from ..results.run import Run
from ..results.version_matrix import (
    RECORD,
    Column,
    Versions,
    VersionsFacts,
    columns,
    to_try,
)
from ..toolchains import identity, resolution
from ..toolchains.recipes import parse_names
from .facts import circumstances, plan_facts
from .folders import fresh_directory, stem
from .options import add_out, add_own_tvms, add_sweep
from .outcome import Outcome
from .plans import plan_of
from .running import carry_out

TVMS = "relay-0.9,relay,relax-0.25,relax-0.26,relax"
DTYPES = "int8/int8/int32,int8,int4,int2,int1,bool"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `versions`."""
    add_sweep(parser, DTYPES)
    tvms = parser.add_argument_group("TVMs")
    tvms.add_argument(
        "--tvm",
        default=TVMS,
        metavar="NAME[,NAME…]",
        help="toolchains, installed on first use (%(default)s)",
    )
    add_own_tvms(tvms, ", as well; may be given several times")
    add_out(parser, "versions-MODEL-TIME")


def run(options: argparse.Namespace) -> Outcome:
    """Run each toolchain, write versions.json and the pages."""
    screen, progress = console.screen(), console.progress()
    work = _empty(options)
    name = f"versions-{stem(options.model, parse_list(options.dtype))}"
    directory = fresh_directory(options.out, name)
    directory.mkdir(parents=True, exist_ok=True)
    codes = []
    try:
        for number, column in enumerate(work.columns, 1):
            where = f"TVM {number} of {len(work.columns)}: {column.name}"
            print_plain(progress, where)
            codes.append(_fill(column, work, options, directory, progress))
            _write(work, directory)
    finally:  # also after Ctrl-C: what is there is worth reading
        written = _write(work, directory)
        _print(screen, work, written)
        index.update(directory.parent)
    return Outcome(max(codes), {"page": written, **work.to_json()})


def _empty(options: argparse.Namespace) -> Versions:
    """The matrix before anything was run. Raises UsageError."""
    work = Versions(
        [configuration.text for configuration in parse_list(options.dtype)],
        columns(parse_names(options.tvm), options.tvm_python),
        VersionsFacts(**circumstances(), model=options.model, input_shape=options.input_shape),
    )
    if not work.columns:
        raise UsageError(f"--tvm {options.tvm!r} names no toolchain")
    return work


def _fill(
    column: Column,
    work: Versions,
    options: argparse.Namespace,
    directory: Path,
    progress: Console,
) -> int:
    """Run a column. What keeps it from being run is its problem, and the others go on.

    Returns the exit code that it would have by itself.
    """
    try:
        name = column.name if column.python is None else None
        chain = resolution.resolve(name, column.python, echo=progress.print)
        column.dialect = chain.dialect
        column.version = identity.identify(chain).version
        texts = to_try(work.configurations, chain.dialect)
        if texts:
            these = argparse.Namespace(**{**vars(options), "dtype": ",".join(texts)})
            plan = plan_of(these, progress.print, chain)
            plan = replace(plan, explore=False, errors=False)
            column.run = Run(directory / column.folder, plan_facts(plan))
            carry_out(plan, column.run, progress, column.short)
    except DiagError as error:
        column.problem = str(error)
        print_plain(progress, f"{column.short}: {error}")
        return error.exit_code
    return 0


def _write(work: Versions, directory: Path) -> Path:
    record = json.dumps(work.to_json(), indent=1)
    foreign.write(directory / RECORD, record + "\n")
    return page.write(work, directory)


def _print(screen: Console, work: Versions, written: Path) -> None:
    screen.print(text.table(work))
    for column in work.columns:
        if column.problem:
            print_plain(screen, f"{column.short}: {column.problem}")
    print_plain(screen, f"report: {written}")
