"""What is on a picture, where a folder says so: by subfolders, or by a labels.csv beside them."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Callable

from .errors import ModelError

CSV = "labels.csv"
"""In a folder of pictures: a line for each, its name as seen from the folder, and its class."""

NONE = -1
"""The label of what has none."""


def of_folder(folder: Path, files: list[Path]) -> list[int]:
    """The class of each file, an index into the model's scores; all NONE where nothing says so.

    labels.csv goes first; a header line is passed over. Without it the subfolder says the class:
    its name, where all are numbers, else its place in sorted order. Raises ModelError.
    """
    listed = folder / CSV
    label_of = _of_csv(folder, listed) if listed.is_file() else _of_subfolders(folder, files)
    return [label_of(file) for file in files]


def _is_class(text: str) -> bool:
    """An index: digits, no more than an int64 holds for sure, and none of those like ² that
    str.isdigit() takes for some."""
    return re.fullmatch(r"[0-9]{1,9}", text) is not None


def _of_csv(folder: Path, listed: Path) -> Callable[[Path], int]:
    classes = {}
    try:
        with listed.open(encoding="utf-8", newline="") as lines:
            rows = [row for row in csv.reader(lines) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ModelError(f"{listed} cannot be read: {error}") from error
    for number, row in enumerate(rows):
        label = row[1].strip() if len(row) == 2 else ""
        if _is_class(label):
            classes[row[0].strip()] = int(label)
        elif number:
            raise ModelError(f"{listed}, line {number + 1}: not NAME,CLASS with a class from 0 on")
    return lambda file: classes.get(file.relative_to(folder).as_posix(), NONE)


def _of_subfolders(folder: Path, files: list[Path]) -> Callable[[Path], int]:
    names = sorted({file.relative_to(folder).parts[0] for file in files if file.parent != folder})
    numbered = all(map(_is_class, names))
    classes = {name: int(name) if numbered else place for place, name in enumerate(names)}
    if len(names) < 2:  # one folder of pictures tells nothing apart
        return lambda file: NONE
    return lambda file: classes.get(file.relative_to(folder).parts[0], NONE)
