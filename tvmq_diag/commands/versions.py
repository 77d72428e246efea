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
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..configuration import parse_list
from ..errors import DiagError, UsageError
from ..reports import formatting
from ..reports.pages import index
from ..reports.pages import version_matrix as page
from ..results.verdict import Run
from ..results.version_matrix import Column, Versions, columns, to_try
from ..toolchains import identity, recipes, resolution
from .common import (
    add_sweep,
    circumstances,
    fresh_directory,
    model_facts,
    plan,
    stem,
)
from .running import carry_out

RECORD = "versions.json"

TVMS = "relay-0.9,relay,relax-0.25,relax-0.26,relax"
DTYPES = "int8/int8/int32,int8,int4,int2,int1,bool"

_STYLES = {"good": "bold green", "bad": "bold red", "odd": "bold yellow", "muted": "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `versions`."""
    add_sweep(parser, DTYPES)
    # The other commands run on one TVM: what they call so is replaced.
    tvms = parser.add_argument_group("TVMs", conflict_handler="resolve")
    tvms.add_argument(
        "--tvm",
        default=TVMS,
        metavar="NAME[,NAME…]",
        help="toolchains, installed on first use (%(default)s)",
    )
    tvms.add_argument(
        "--tvm-python",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="the Python of a TVM of your own, as well; may be given several times",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: runs/versions-MODEL-TIME")


def run(options: argparse.Namespace) -> int:
    """Run each toolchain, write versions.json and the pages; returns the exit code."""
    screen, progress = Console(), Console(stderr=True)
    work = _asked(options)
    name = f"versions-{stem(options.model, parse_list(options.dtype))}"
    directory = fresh_directory(options.out, name)
    directory.mkdir(parents=True, exist_ok=True)
    codes = []
    try:
        for number, column in enumerate(work.columns, 1):
            where = f"TVM {number} of {len(work.columns)}: {column.name}"
            progress.print(where, highlight=False, markup=False, soft_wrap=True)
            codes.append(_fill(column, work, options, directory, progress))
            _write(work, directory)
    finally:  # also after Ctrl-C: what is there is worth reading
        written = _write(work, directory)
        index.write(directory.parent)
        _print(screen, work, written)
    return max(codes)


def _asked(options: argparse.Namespace) -> Versions:
    work = Versions(
        [configuration.text for configuration in parse_list(options.dtype)],
        columns(recipes.parse_names(options.tvm), options.tvm_python),
        {**circumstances(), "model": options.model, "input_shape": options.input_shape},
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
        column.version = str(identity.identify(chain)["version"])
        texts = to_try(work.configurations, chain.dialect)
        if texts:
            these = argparse.Namespace(**{**vars(options), "dtype": ",".join(texts)})
            asked = plan(these, progress.print, chain, explore=False, errors=False)
            column.run = Run(directory / column.folder, model_facts(asked))
            carry_out(asked, column.run, progress, column.short)
    except DiagError as error:
        column.problem = str(error)
        progress.print(f"{column.short}: {error}", highlight=False, markup=False, soft_wrap=True)
        return error.exit_code
    return 0


def _write(work: Versions, directory: Path) -> Path:
    record = json.dumps(work.to_json(), indent=1)
    (directory / RECORD).write_text(record + "\n", encoding="utf-8")
    return page.write(work, directory)


def _print(screen: Console, work: Versions, written: Path) -> None:
    screen.print(table(work))
    for column in work.columns:
        if column.problem:
            said = f"{column.short}: {column.problem}"
            screen.print(said, highlight=False, markup=False, soft_wrap=True)
    screen.print(f"report: {written}", highlight=False, soft_wrap=True, markup=False)


def table(work: Versions) -> Table:
    """Configurations by toolchains, readable in 80 columns."""
    shown = Table(box=None, pad_edge=False, padding=(0, 1), collapse_padding=True)
    shown.add_column("", overflow="fold", max_width=16)
    for column in work.columns:
        version = f"\nTVM {formatting.clip(column.version, 30)}" if column.version else ""
        head = Text(formatting.clip(column.short, 60) + version)
        shown.add_column(head, overflow="fold", ratio=1)
    for configuration in work.configurations:
        cells = [page.cell(column, configuration) for column in work.columns]
        shown.add_row(formatting.clip(configuration, 60), *(_cell(entries) for entries in cells))
    return shown


def _cell(entries: list[page.Entry]) -> Text:
    said = Text()
    for entry in entries:
        said.append("\n" if said else "")
        if entry.label:
            said.append(f"{entry.label}\n", style="dim")
        said.append(f"{entry.mark} {entry.word}", style=_STYLES[entry.look])
        for line in filter(None, (entry.where, entry.op, entry.numbers, entry.speed)):
            said.append(f"\n{line}")
    return said
