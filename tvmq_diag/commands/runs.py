"""List or remove runs: what each was of, what came of it, and how large it is.

examples:
  %(prog)s list
  %(prog)s list --in elsewhere/runs
  %(prog)s remove resnet50-int4-20261123-101500   asks first; --yes does not
  %(prog)s remove --older-than 30                 days

exit code: 0 done; 1 not confirmed, nothing was removed; 2 bad usage; 3 it cannot be removed.
"""

from __future__ import annotations

import argparse
import datetime
import shutil
from pathlib import Path

from rich.table import Table

from .. import foreign
from ..analysis.units import gigabytes
from ..errors import UsageError
from ..reports.pages import index
from ..reports.pages.index import Entry
from ..reports.text import console
from ..reports.text.console import print_plain
from ..toolchains import inventory
from .asking import add_actions, confirmed
from .folders import RUNS, is_held
from .options import positive
from .outcome import Outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `runs`."""
    add_actions(parser, ["list", "remove"], "RUN", "its folder's name")
    parser.add_argument(
        "--in", dest="folder", type=Path, default=RUNS, metavar="DIR", help="of runs (%(default)s)"
    )
    parser.add_argument(
        "--older-than", type=positive, metavar="DAYS", help="remove those made before that"
    )


def run(options: argparse.Namespace) -> Outcome:
    """Do what is asked. Raises UsageError, OSError."""
    entries, damaged = index.listed(options.folder)
    if options.action == "list":
        return _list(options.folder, entries, damaged)
    if not options.names and options.older_than is None:
        raise UsageError("remove which? Name runs, or --older-than DAYS; see tvmq-diag runs list")
    chosen = _chosen(options, entries)
    if not chosen:
        console.plain("there is none to remove")
        return Outcome(record={"removed": []})
    size = sum(inventory.size(folder) for folder in chosen)
    names = ", ".join(foreign.printable(folder.name) for folder in chosen)
    if not confirmed(f"remove {names} ({gigabytes(size)}) from {options.folder}", options.yes):
        return Outcome(1, {"removed": []})
    for folder in chosen:
        shutil.rmtree(folder)
    index.update(options.folder)
    console.plain(f"removed {names}")
    return Outcome(record={"removed": chosen})


def _list(folder: Path, entries: list[Entry], damaged: list[str]) -> Outcome:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("run", "made", "of", "what came of it", "on disk"):
        table.add_column(heading)
    records = []
    for entry in entries:
        size = inventory.size(folder / entry.name)
        came = entry.headline or ", ".join(f"{x.configuration} {x.outcome}" for x in entry.lines)
        made = entry.created[:16].replace("T", " ")
        table.add_row(entry.name, made, entry.title, came, gigabytes(size))
        records.append(
            {
                "run": folder / entry.name,
                "created": entry.created,
                "of": entry.title,
                "outcome": came,
                "bytes": size,
            }
        )
    screen = console.screen()
    screen.print(table if entries else f"no runs in {folder}")
    for sentence in damaged:
        print_plain(screen, f"damaged: {sentence}")
    return Outcome(record={"runs": records, "damaged": damaged})


def _chosen(options: argparse.Namespace, entries: list[Entry]) -> list[Path]:
    """The folders of the runs that are meant, each once. Raises UsageError for what is no run in
    that folder."""
    known = {entry.name: entry for entry in entries}
    names = list(dict.fromkeys(options.names))
    for name in names:
        if name not in known:
            raise UsageError(f"no run {name!r} in {options.folder}: see tvmq-diag runs list")
    if options.older_than is not None:
        now = datetime.datetime.now().astimezone()
        names += [entry.name for entry in entries if _age(entry, now) > options.older_than]
    folders = [options.folder / name for name in dict.fromkeys(names)]
    for folder in folders:
        if folder.is_symlink():
            raise UsageError(f"{folder} is a link to somewhere else: nothing was removed")
        if is_held(folder):
            raise UsageError(f"the run in {folder} goes on: nothing was removed")
    return folders


def _age(entry: Entry, now: datetime.datetime) -> float:
    """Days; 0 for what does not say when it was made."""
    try:
        made = datetime.datetime.fromisoformat(entry.created).astimezone()
    except ValueError:
        return 0.0
    return (now - made).total_seconds() / 86400
