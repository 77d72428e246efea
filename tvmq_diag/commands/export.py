"""Write what a run found out for another program: a viewer, a spreadsheet, a pull request.

examples:
  %(prog)s runs/NAME --to perfetto                  passes and kernels, for ui.perfetto.dev
  %(prog)s runs/NAME --to model-explorer --configuration int4 --step QuantizeCalibrate
  %(prog)s runs/NAME --to dot --step QuantizeRealize --out realize.dot
  %(prog)s runs/NAME --to csv                       a folder of tables
  %(prog)s runs/NAME --to markdown --out - >> "$GITHUB_STEP_SUMMARY"
  %(prog)s runs/NAME --to sarif --out verdicts.sarif

Without --out it goes to exports/ in the run's folder, under a name that is free. A graph is that of
one step: the one that failed, else the last in which the quantization shows. Nothing is started,
and no TVM is needed.

exit code: 0 written; 2 bad usage, no such configuration or step; 3 it cannot be written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import foreign
from ..analysis import recording, recovery
from ..errors import UsageError
from ..reports.exports.choice import Choice
from ..reports.exports.formats import formats
from ..reports.text import console
from ..reports.text.console import print_plain
from ..trace import layout
from .outcome import Outcome

FOLDER = "exports"
"""Of a run: where exports go."""

STDOUT = Path("-")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `export`."""
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="the folder of a run or trace")
    choices = formats()
    purposes = "; ".join(f"{name}: {format.what}" for name, format in choices.items())
    parser.add_argument("--to", required=True, choices=choices, metavar="FORMAT", help=purposes)
    parser.add_argument(
        "--configuration", metavar="CONF", help="only this one, or the float model: float32"
    )
    parser.add_argument(
        "--step", metavar="PASS", help="of graphs and op tables; FoldConstant#2 is the second"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="the file, or the folder where there are several; - is standard output",
    )
    parser.add_argument("--force", action="store_true", help="write over what is at --out")


def run(options: argparse.Namespace) -> Outcome:
    """Write the export. Raises UsageError."""
    folder, chosen = options.run_folder, formats()[options.to]
    if (folder / layout.VERDICTS).exists():
        work = recovery.load(folder)
    else:
        work = recording.as_run(folder)
    files = chosen.write(work, Choice(options.configuration, options.step))
    if options.out == STDOUT:
        if options.json:
            raise UsageError("--out - and --json are both for standard output: give one")
        if len(files) != 1:
            raise UsageError(f"--to {options.to} is {len(files)} files: give --out a folder")
        console.plain(next(iter(files.values())).removesuffix("\n"))
        return Outcome()
    written = _written(files, folder, options, chosen.several)
    for path in written:
        print_plain(console.screen(), f"export: {path}")
    return Outcome(record={"files": written})


def _written(
    files: dict[str, str], folder: Path, options: argparse.Namespace, several: bool
) -> list[Path]:
    """Write the files; returns them. Raises UsageError where something is there already."""
    if several:
        target = options.out or _free(folder / FOLDER / options.to)
        _refuse(target, options.force, is_file=False)
        places = {target / name: text for name, text in files.items()}
    else:
        ((name, text),) = files.items()
        target = options.out or _free(folder / FOLDER / name)
        _refuse(target, options.force, is_file=True)
        places = {target: text}
    for path, text in places.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        foreign.write(path, text, folder if options.out is None else None)
    return list(places)


def _refuse(target: Path, force: bool, is_file: bool) -> None:
    there = target.exists() or target.is_symlink()
    if there and target.is_dir() == is_file:
        raise UsageError(f"{target} is {'a folder' if is_file else 'a file'}; give --out another")
    if there and not force and (is_file or any(target.iterdir())):
        raise UsageError(f"{target} is there already; give --out another name, or --force")


def _free(path: Path) -> Path:
    """The path, or one with -2, -3, … that is not taken."""
    number, free = 1, path
    while free.exists() or free.is_symlink():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
