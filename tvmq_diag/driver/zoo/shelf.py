"""Results of cells that were run before, kept by content: what a cell is made of and by."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from ... import foreign
from ...configuration import adapted, parse
from ...toolchains.cache import cache_dir
from .cell import Answer, Task
from .maker import Maker

KEPT_BYTES = 4 * 2**30
"""Of results at most, the last used ones: one takes some MB."""


@dataclass(frozen=True)
class Contents:
    """What is in the files that a zoo's tasks name, by path (sha256, hex); read once."""

    files: dict[str, str]

    @classmethod
    def of(cls, tasks: list[Task]) -> Contents:
        """Read them all. Raises OSError."""
        paths = {path for task in tasks for path in task.files}
        return cls({path: _content(Path(path)) for path in paths})


def key(task: Task, maker: Maker, contents: Contents) -> str:
    """What a cell is by content: equal keys, equal results. A file counts by its name and content,
    not by where it is; a configuration by what it means on the dialect."""

    def said(text: str) -> str:
        for path in task.files:
            text = text.replace(path, f"{Path(path).name} {contents.files[path]}")
        return text

    meant = sorted(one.text for one in adapted(parse(task.configuration), maker.dialect))
    chain = task.python or task.tvm
    parts = [
        said(task.model), meant, chain, [said(one) for one in task.arguments], asdict(maker)
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def lasts(task: Task) -> bool:
    """Can it be told by content? A function of somebody's may make another model each time."""
    return not task.model.startswith("py:")


class Shelf:
    """The folder of kept results. What cannot be kept costs only time."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or cache_dir() / "zoo"

    def find(self, key: str, maker: Maker) -> Answer | None:
        """What was kept under a key, None where there is nothing."""
        file = self._file(key)
        try:
            content = file.read_bytes()
            os.utime(file)
        except OSError:
            return None
        seconds, _, run = content.partition(b"\n")
        try:
            return Answer(run, float(seconds), maker)
        except ValueError:
            return None

    def keep(self, key: str, answer: Answer) -> None:
        """Keep a result."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            content = f"{answer.seconds}\n".encode() + (answer.run or b"")
            foreign.write(self._file(key), content)

    def tidy(self) -> None:
        """Make room: the results that were used longest ago go."""
        with contextlib.suppress(OSError):
            files = [(file, file.stat()) for file in self._folder.glob("*.run")]
            files.sort(key=lambda pair: pair[1].st_mtime, reverse=True)
            held = 0
            for file, status in files:
                held += status.st_size
                if held > KEPT_BYTES:
                    file.unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.run"


def _content(path: Path) -> str:
    """Of a folder, of pictures for example, the names, sizes and times of its files."""
    digest = hashlib.sha256()
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            status = file.stat()
            line = f"{file.relative_to(path)} {status.st_size} {status.st_mtime_ns}\n"
            digest.update(line.encode("utf-8", "surrogateescape"))
    elif path.is_file():
        digest.update(path.read_bytes())
    return digest.hexdigest()
