"""List, install or remove the toolchains that this tool keeps: each a TVM with its Python.

A toolchain comes with its first use, and so do the layers on it that only some models need. Here
they are had beforehand, for a machine that will have no network, or removed.

examples:
  %(prog)s list                        what there is, how large, and what can be had
  %(prog)s install relay               TVM alone: 0.4 GB
  %(prog)s install relay+torch+onnx    with what models of PyTorch and ONNX need
  %(prog)s install relax+all
  %(prog)s remove relax-0.25           asks first; --yes does not
  %(prog)s remove old                  those of other versions of this tool

exit code: 0 done; 1 not confirmed, nothing was removed; 2 bad usage, or it is in use; 3 it cannot
be installed; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse

from rich.table import Table

from ..analysis.units import gigabytes
from ..errors import UsageError
from ..reports.text import console
from ..toolchains import inventory, resolution
from ..toolchains.inventory import Found
from ..toolchains.packages import python_in
from ..toolchains.recipes import RECIPES, parse_layered
from .asking import add_actions, confirmed
from .outcome import Outcome

OLD, ALL = "old", "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `toolchains`."""
    names = f"{', '.join(RECIPES)}; to remove also {OLD}, or {ALL}, or a folder's name"
    add_actions(parser, ["list", "install", "remove"], "NAME[+LAYER…]", names)


def run(options: argparse.Namespace) -> Outcome:
    """Do what is asked. Raises UsageError, SetupError."""
    if options.action == "list":
        return _list()
    if not options.names:
        raise UsageError(f"{options.action} which? Name toolchains, see tvmq-diag toolchains list")
    if options.action == "install":
        return _install(options.names)
    return _remove(options.names, options.yes)


def _list() -> Outcome:
    there = inventory.toolchains()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("toolchain", "TVM", "layers", "on disk", "what it is"):
        table.add_column(heading)
    for found in there:
        table.add_row(*_row(found))
    for name, recipe in RECIPES.items():
        if name not in {found.name for found in there}:
            cost = f"{recipe.contents}: not installed, {recipe.disk_gb:g} GB"
            table.add_row(name, "", "", "", cost)
    console.screen().print(table)
    for found in there:
        if found.name is not None and found.complete:
            console.print_plain(console.screen(), f"{found.name}: {python_in(found.directory)}")
    return Outcome(record={"toolchains": [_record(found) for found in there]})


def _row(found: Found) -> tuple[str, str, str, str, str]:
    size, tvm = gigabytes(found.bytes), found.tvm or ""
    if found.name is None:
        return found.directory.name, tvm, "", size, "of another version of this tool"
    if not found.complete:
        return found.name, tvm, "", size, "cut off: its next use begins anew"
    return found.name, tvm, " ".join(found.layers), size, RECIPES[found.name].contents


def _record(found: Found) -> dict[str, object]:
    return {
        "name": found.name,
        "directory": found.directory,
        "complete": found.complete,
        "layers": found.layers,
        "bytes": found.bytes,
        "tvm": found.tvm,
    }


def _install(names: list[str]) -> Outcome:
    wanted = [parse_layered(name) for name in names]  # all of them are right, before any begins
    progress = console.progress()
    chains = [
        resolution.resolve(name, echo=progress.print, layers=layers) for name, layers in wanted
    ]
    for chain in chains:
        console.plain(f"{chain.name}: {chain.python}")
    return Outcome(record={"pythons": {chain.name: chain.python for chain in chains}})


def _remove(names: list[str], yes: bool) -> Outcome:
    chosen = _chosen(names, inventory.toolchains())
    told = ", ".join(f"{found.directory.name} ({gigabytes(found.bytes)})" for found in chosen)
    if not chosen:
        console.plain("there is none to remove")
        return Outcome(record={"removed": []})
    if not confirmed(f"remove {told}", yes):
        return Outcome(1, {"removed": []})
    for found in chosen:
        inventory.remove(found)
        console.plain(f"removed {found.directory}")
    return Outcome(record={"removed": [found.directory for found in chosen]})


def _chosen(names: list[str], there: list[Found]) -> list[Found]:
    """The toolchains that are named, each once. Raises UsageError for a name that means none."""
    chosen: dict[str, Found] = {}
    for name in names:
        group = name in (OLD, ALL)
        meant = [found for found in there if _means(name, found)]
        if not meant and not group:
            raise UsageError(f"no toolchain {name!r} is installed: see tvmq-diag toolchains list")
        chosen.update((found.directory.name, found) for found in meant)
    return list(chosen.values())


def _means(name: str, found: Found) -> bool:
    if name == OLD:
        return found.name is None
    return name == ALL or name in (found.name, found.directory.name)
