"""What came from somebody else, made harmless: texts before they are shown, files before they are
read, and where a file of ours goes.

A model's names, an error's text, a path in a run that was sent by mail: all of it is data. Text
goes through `printable` before it reaches a terminal or a page; a file that a record names is
opened by `inside` or `read`, whatever is written goes through `write`.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path, PurePosixPath
from typing import TypeVar

import msgspec

from . import decoding
from .decoding import Damage
from .errors import UsageError

T = TypeVar("T")

_UNPRINTABLE = re.compile(
    r"["
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but tab and newline
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what turns the direction of text
    r"\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff"  # line ends of their own, halves, no characters
    r"]"
)

INSTEAD = "\N{REPLACEMENT CHARACTER}"


def printable(text: str) -> str:
    """The text with each character that a terminal or a browser would obey, or cannot write, as
    U+FFFD; tabs and newlines stay, and a carriage return before a newline goes."""
    return _UNPRINTABLE.sub(INSTEAD, text.replace("\r\n", "\n"))


def inside(root: Path, name: str) -> Path:
    """The regular file that a record in the folder `root` names.

    Raises Damage for what is no name of a file inside that folder: an absolute path, one with `..`,
    a link that leads out of it, a folder, device or pipe; OSError when there is no such file.
    """
    parts = PurePosixPath(name)
    if not parts.parts or parts.is_absolute() or ".." in parts.parts or "\0" in name:
        raise Damage(f"{printable(name)[:200]!r} is no name inside the folder")
    path = root / parts
    if not is_inside(root, path):
        raise Damage(f"{printable(name)[:200]!r} leads out of the folder")
    if not stat.S_ISREG(path.stat().st_mode):
        raise Damage(f"{printable(name)[:200]!r} is no regular file")
    return path


def read(root: Path, name: str) -> bytes:
    """What is in the file that a record in the folder `root` names. Raises as `inside` does."""
    return inside(root, name).read_bytes()


def record(root: Path, name: str, decoder: msgspec.json.Decoder[T]) -> T:
    """A JSON file of the folder `root` as the decoder's type.

    Raises UsageError that names the file and what is wrong.
    """
    try:
        return decoding.decode(read(root, name), decoder)
    except (OSError, Damage) as error:
        raise UsageError(f"{root / name} cannot be read: {error}") from error


def write(path: Path, content: str | bytes, root: Path | None = None) -> None:
    """Write a file beside its place and move it there: nobody ever reads half of it, and where it
    cannot be written the one before is still whole.

    Half a surrogate pair in a text is U+FFFD. A link at its place is replaced, not followed; `root`
    is the folder that the file may not leave by a link in its path (its own folder, without one).

    Raises UsageError where it would, OSError where nothing can be written.
    """
    data = content if isinstance(content, bytes) else encoded(content)
    if not is_inside(root or path.parent, path.parent):
        raise UsageError(
            f"{path.parent} is a link that leads out of {root}: nothing is written there"
        )
    draft = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as file:  # a new one: what is there, a link perhaps, is not followed
            file.write(data)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def encoded(text: str) -> bytes:
    """A text as UTF-8, also where it holds half a surrogate pair."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode("utf-8")


def links_out(root: Path) -> list[str]:
    """The links in a folder and all below it that lead out of it, as names inside it."""
    leaving = []
    for folder, names, files in os.walk(root):
        for name in [*names, *files]:
            path = Path(folder, name)
            if path.is_symlink() and not is_inside(root, path):
                leaving.append(path.relative_to(root).as_posix())
    return leaving


def is_inside(root: Path, path: Path) -> bool:
    """Is this, with all links followed, the folder `root` or something in it?"""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # links in a circle
        return False
