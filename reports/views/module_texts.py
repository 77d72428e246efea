"""The text of modules as TVM prints them, for the viewer (viewer/texts.js): where it was saved.

Every changed module's is with `--save-ir`, else that of a module that failed. A line that is in two
texts is written once. What would make the page too large is a link to its file.
"""

from __future__ import annotations

import base64
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tvmq_diag import foreign
from tvmq_diag.decoding import Damage
from tvmq_diag.history.lineage import Lineage
from tvmq_diag.trace.trace import Trace

from ..formatting import printable

BUDGET = 200_000
"""Bytes of a page that texts may take."""

_LARGEST = 4_000_000
"""Bytes of one file that is worth a place on a page."""


class Text(msgspec.Struct, array_like=True):
    """A module's text: behind which step it is, its file as seen from the page, and its lines as
    numbers of `Texts.lines`; none where the file is all there is."""

    step: int
    file: str
    lines: list[int] = []


@dataclass
class Texts:
    """Collects the texts of compiles, by the key of their section, for a page in `folder`."""

    folder: Path
    lines: dict[str, int] = field(default_factory=dict)
    compiles: dict[str, list[Text]] = field(default_factory=dict)
    _full: bool = False

    def add(self, key: str, trace: Trace, followed: Lineage, steps: int) -> None:
        """Add those of a compile that has so many steps."""
        names = {
            module.step: f"ir/{module.graph.snapshot.number:05d}.txt" for module in followed.modules
        }
        if trace.text and steps:
            names.setdefault(steps - 1, trace.text)
        found = [
            (Text(step, self._link(path)), path)
            for step, name in sorted(names.items())
            if (path := _file(trace.path, name)) is not None
        ]
        if not found:
            return
        self.compiles[key] = [text for text, _ in found]
        if self._full:
            return
        known = len(self.lines)
        for text, path in found:
            text.lines = [self.lines.setdefault(line, len(self.lines)) for line in _lines(path)]
        if len(self._pack()) <= BUDGET:
            return
        self._full = True
        for text, _ in found:
            text.lines = []
        self.lines = dict(list(self.lines.items())[:known])

    def text(self) -> str:
        """All of it: JSON, deflated, as base64; empty where nothing was saved."""
        return self._pack() if self.compiles else ""

    def _pack(self) -> str:
        content = msgspec.json.encode({"lines": list(self.lines), "compiles": self.compiles})
        return base64.b64encode(zlib.compress(content)).decode("ascii")

    def _link(self, path: Path) -> str:
        return Path(os.path.relpath(path, self.folder)).as_posix()


def _file(root: Path, name: str) -> Path | None:
    try:
        return foreign.inside(root, name)
    except (OSError, Damage):
        return None


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _LARGEST:
            return []
        return printable(path.read_text(encoding="utf-8", errors="replace"), _LARGEST).split("\n")
    except OSError:
        return []
