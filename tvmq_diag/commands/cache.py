"""List or clear what is kept between runs: imported models, schedules, cells of the zoo.

examples:
  %(prog)s list
  %(prog)s clear               what is quickly made again; asks first, --yes does not
  %(prog)s clear tuning zoo    what took somebody's time
  %(prog)s clear all           all but the toolchains (tvmq-diag toolchains remove)

exit code: 0 done; 1 not confirmed, nothing was removed; 2 bad usage; 3 it cannot be removed.
"""

from __future__ import annotations

import argparse

from rich.table import Table

from ..analysis.units import gigabytes
from ..errors import UsageError
from ..reports.text import console
from ..toolchains import inventory
from ..toolchains.cache import cache_dir
from .asking import add_actions, confirmed
from .outcome import Outcome

ALL = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cache`."""
    names = f"{', '.join(inventory.KEPT)}, or {ALL} ({', '.join(inventory.CHEAP)})"
    add_actions(parser, ["list", "clear"], "WHAT", names)


def run(options: argparse.Namespace) -> Outcome:
    """Do what is asked. Raises UsageError, OSError."""
    kept = inventory.kept()
    if options.action == "list":
        table = Table(title=str(cache_dir()), title_justify="left", box=None, show_header=False)
        for name, size in kept.items():
            table.add_row(name, gigabytes(size), inventory.KEPT[name])
        console.screen().print(table)
        return Outcome(record={"cache": cache_dir(), "bytes": kept})
    unknown = [name for name in options.names if name not in (*inventory.KEPT, ALL)]
    if unknown:
        choices = ", ".join([*inventory.KEPT, ALL])
        raise UsageError(f"{unknown[0]!r} is nothing that is kept: choose from {choices}")
    named = options.names or list(inventory.CHEAP)
    chosen = [name for name in kept if name in named or ALL in named]
    if not chosen:
        console.plain("there is nothing to clear")
        return Outcome(record={"cleared": []})
    told = ", ".join(f"{inventory.KEPT[name]} ({gigabytes(kept[name])})" for name in chosen)
    if not confirmed(f"remove {told}", options.yes):
        return Outcome(1, {"cleared": []})
    for name in chosen:
        inventory.clear(name)
    console.plain(f"cleared {', '.join(chosen)}")
    return Outcome(record={"cleared": chosen})
