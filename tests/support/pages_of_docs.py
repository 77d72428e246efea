"""The pages of docs/ as something to run: their commands and their Python, in the order of a page.

A comment on the lines before a block says what is to be known of it:

    <!-- exit code: 1 -->            what its last command comes to; 0 where nothing is said
    <!-- slow: two minutes -->       run with the slow tests
    <!-- not run: the path is yours; tests/… runs it -->   only its options are looked at
    <!-- in tvm: mod, params = tiny -->   Python of a TVM's interpreter, with the tiny model as that
    <!-- printed: by the command above -->   a block of text: what the block before it has to print,
                                     but for its figures; … is where something was left out

A block of text or TOML is not run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .paths import ROOT

DOCS = ROOT / "docs"

_BLOCK = re.compile(
    r"(?P<notes>(?:^<!-- .*? -->\n)*)^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)
_NOTE = re.compile(r"<!-- (?P<key>[a-z ]+): (?P<value>.*?) -->", flags=re.DOTALL)
_HEREDOC = re.compile(r"<<'(\w+)'\n.*?^\1$", flags=re.MULTILINE | re.DOTALL)
NOTES = ("exit code", "slow", "not run", "in tvm", "printed")
_FIGURE = re.compile(r"(?<![\w#/])-?\d+(?:\.\d+)?")
"""A number by itself; one of a name (int4, #9, float16/32) is no figure."""
LANGUAGES = ("bash", "python")


@dataclass(frozen=True)
class Block:
    """A block of code: where it is, what it is written in, and what is noted of it."""

    page: str
    line: int
    language: str
    text: str
    notes: dict[str, str]

    @property
    def exit_code(self) -> int:
        """What it is to end with."""
        return int(self.notes.get("exit code", "0"))

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command of ours in it, from the command's name on."""
        text = _HEREDOC.sub("", self.text).replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line.startswith("tvmq-diag ")]
        return [_until_the_shell(shlex.split(line)[1:]) for line in lines]


def pages() -> list[Path]:
    """Those that are written by hand and for readers: the gallery has a test of its own, and
    front-door.md is a doctest."""
    apart = {"gallery", "schema", "upstream"}
    found = sorted(DOCS.rglob("*.md"))
    return [page for page in found if not apart & set(page.relative_to(DOCS).parts)]


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page that are commands or Python, and what they are said to print."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        if found["language"] in LANGUAGES or "<!-- printed: " in found["notes"]:
            yield Block(
                page.relative_to(DOCS).as_posix(),
                text.count("\n", 0, found.start("language")) + 1,
                found["language"],
                found["text"],
                {note["key"]: note["value"] for note in _NOTE.finditer(found["notes"])},
            )


def differs(shown: str, printed: str) -> str | None:
    """The first part of what a page shows that was not printed, figures aside; None if all was."""
    said = _words(printed)
    return next((part for part in map(_words, shown.split("…")) if part not in said), None)


def _words(text: str) -> str:
    return " ".join(_FIGURE.sub("#", text).split())


def _until_the_shell(words: list[str]) -> list[str]:
    """Without what the shell does with the output."""
    ends = [place for place, word in enumerate(words) if word in (">", ">>", "|", "&&")]
    return words[: ends[0]] if ends else words
