"""All cells of a zoo: those that are kept are taken, the others run, each result once."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from ... import foreign
from ...configuration import parse
from ...errors import DiagError, UsageError
from ...results import store, zoo
from ...results.run import Role
from ...results.version_matrix import CellRecord
from ...results.zoo import Zoo, ZooCell, ZooTvm
from ...trace.stages import RELAY
from .. import provenance
from . import cell, shelf
from .cell import Answer, Task
from .maker import Maker
from .shelf import Contents, Shelf
from .sources import file_of
from .workplace import Workplace

CELLS = "cells"
"""The folder of the cells' runs, inside the zoo's."""

_FOR_RELAY, _FOR_TORCHVISION = "--quantize-opt-level", "--weights"
"""Options that `trace` refuses for any other."""

Wanted = tuple[str, str, ZooTvm]
"""A cell to run: model, configuration, TVM."""


@dataclass(frozen=True)
class Setup:
    """How the cells are run: `arguments`, `files` and `room` as in a Task; `fresh`: take nothing
    kept."""

    directory: Path
    place: Workplace
    shelf: Shelf
    arguments: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    room: tuple[str, ...] = ()
    fresh: bool = False


def look(work: Zoo, place: Workplace, begin: Callable[[str], None]) -> dict[str, Maker]:
    """Ask for each TVM what it is; what cannot be used has its problem said in `work`.

    `begin` gets the name of each before it is looked at, which may mean to install it.
    """
    makers = {}
    for tvm in work.tvms:
        begin(tvm.name)
        try:
            maker = place.maker(tvm.name, tvm.python)
        except DiagError as error:
            tvm.problem = str(error)
            continue
        tvm.version, tvm.dialect, tvm.fingerprint = maker.version, maker.dialect, maker.tvm
        makers[tvm.name] = maker
    return makers


def run(work: Zoo, makers: dict[str, Maker], setup: Setup, done: Callable[[ZooCell], None]) -> None:
    """Run what there is to run: `work.cells` fills up, and `done` gets each.

    Ctrl-C raises KeyboardInterrupt; the cells that were done till then are in `work`, in the
    folder and on the shelf.
    """
    wanted = [(key, _task(*key, setup)) for key in work.wanted]
    contents = Contents.of([task for _, task in wanted])
    cells: dict[str, list[Wanted]] = {}
    tasks: dict[str, Task] = {}
    for (model, text, tvm), task in wanted:
        key = shelf.key(task, makers[tvm.name], contents)
        cells.setdefault(key, []).append((model, text, tvm))
        tasks.setdefault(key, task)  # two that mean the same are run once

    def take(key: str, answer: Answer, kept: bool) -> None:
        first, *others = cells[key]
        taken = _cell(first, answer, kept, setup, _folder(work, first))
        same = (replace(taken, configuration=text, tvm=tvm.name) for _, text, tvm in others)
        if not kept and shelf.lasts(tasks[key]) and _lasts(taken):
            setup.shelf.keep(key, answer)  # before anybody hears of it, who may end all this
        for one in (taken, *same):
            work.cells.append(one)
            done(one)

    to_run: dict[str, Task] = {}
    for key, task in tasks.items():
        made_by = makers[cells[key][0][2].name]
        cell = setup.shelf.find(key, made_by) if not setup.fresh and shelf.lasts(task) else None
        if cell is not None and _opens(cell):
            take(key, cell, True)
        else:
            to_run[key] = task
    made_by_key = {key: makers[cells[key][0][2].name] for key in to_run}
    with contextlib.closing(setup.place.answers(to_run, made_by_key)) as answers:
        for key, answer in answers:
            take(key, answer, False)
    setup.shelf.tidy()


def _task(model: str, text: str, tvm: ZooTvm, setup: Setup) -> Task:
    file = file_of(model)
    path = str(file.absolute()) if file is not None else None
    source = model.replace(str(file), path, 1) if path is not None else model
    arguments = setup.arguments
    if tvm.dialect != RELAY:
        arguments = _without(_FOR_RELAY, arguments)
    if not model.startswith("torchvision:"):
        arguments = _without(_FOR_TORCHVISION, arguments)
    files = (*([path] if path is not None else []), *setup.files)
    return Task(source, text, tvm.name, tvm.python, arguments, files, setup.room)


def _without(option: str, arguments: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments without an option and its value."""
    if option not in arguments:
        return arguments
    at = arguments.index(option)
    return (*arguments[:at], *arguments[at + 2 :])


# One cell


def _cell(of: Wanted, answer: Answer, kept: bool, setup: Setup, folder: str) -> ZooCell:
    """Put a cell's run into its folder, and say what came of it."""
    model, text, tvm = of
    known = ZooCell(
        model=model, configuration=text, tvm=tvm.name, seconds=answer.seconds, kept=kept
    )
    if answer.run is None:
        return replace(known, problem=answer.problem)
    place = setup.directory / CELLS / folder
    try:
        draft = place.with_name(f".{place.name}")
        cell.unpack(answer.run, draft)
        draft.replace(place)  # nobody ever finds half of it
        entries = _entries(place, f"{CELLS}/{folder}/{zoo.PAGE}")
    except (UsageError, zipfile.BadZipFile) as error:
        return replace(known, problem=f"its run cannot be read: {error}")
    provenance.sign(place)
    if not entries:
        return replace(known, problem="its run came to no verdict")
    return replace(known, entries=entries)


def _entries(place: Path, page: str) -> list[CellRecord]:
    """The verdicts on what was asked, each with its place on the run's page."""
    asked = [one for one in store.read(place).verdicts if one.role == Role.REQUESTED]
    return [zoo.entry(verdict, f"{page}#c{i}") for i, verdict in enumerate(asked)]


def _lasts(cell: ZooCell) -> bool:
    """Would another run of it say the same? A time-out may be that of a busy machine, and so may
    memory that was short."""
    outcomes = [entry.outcome for entry in cell.entries]
    short = any("memory" in (entry.message or "") for entry in cell.entries)
    return bool(outcomes) and not short and not set(outcomes) & set(zoo.PASSING)


def _opens(answer: Answer) -> bool:
    return answer.run is not None and zipfile.is_zipfile(io.BytesIO(answer.run))


def _folder(work: Zoo, of: Wanted) -> str:
    """What a cell's folder is called: it is a name, and no two have the same."""
    model, text, tvm = of
    number = work.models.index(model) + 1
    last = model.rpartition(":")[2] if not model.startswith("py:") else model[3:]
    named = re.sub(r"[^\w.-]+", "_", Path(last).stem if file_of(model) else last)[:40]
    chain = [one.name for one in work.tvms].index(tvm.name)
    name = tvm.name if tvm.python is None else f"own-{chain + 1}"
    return foreign.printable(f"{number:03}-{named}-{parse(text).slug}-{name}")
