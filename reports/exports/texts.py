"""What came from a model, an error or a path, made harmless for the format that it goes into."""

from __future__ import annotations

import re

from tvmq_diag import foreign

from ..formatting import clip

_FORMULA = ("=", "+", "-", "@", "\t")
"""What a spreadsheet takes for the beginning of a formula."""

_PUNCTUATION = re.compile(r"([\\`*_\[\]#|~>$])")

_NOTIFYING = re.compile(r"(?<=[@#])(?=\w)|(?<=http)(?=s?:)|(?<=www)(?=\.)")
"""Where GitHub would see somebody's name, an issue's number, or an address."""


def cell(value: object) -> object:
    """A value for a CSV file: a text that a spreadsheet would compute has a `'` in front, which is
    the custom. Numbers stay numbers, and None is empty."""
    if value is None or isinstance(value, (bool, int, float)):
        return "" if value is None else value
    text = foreign.printable(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text


def plain(text: object, limit: int = 600) -> str:
    """A text as Markdown on one line that means itself: no HTML, no link, no table cell ends in it,
    and nobody is notified by it (`@name`, `#12`)."""
    line = clip(text, limit).replace("&", "&amp;").replace("<", "&lt;")
    line = _PUNCTUATION.sub(r"\\\1", line)
    return _NOTIFYING.sub("\N{WORD JOINER}", line)


def code(text: object, limit: int = 300) -> str:
    """A text as a code span of Markdown, also in a table: nothing in it means anything."""
    line = clip(text, limit).replace("|", "\\|")
    fence = "`" * (max(map(len, re.findall(r"`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") or not line.strip() else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def slug(text: str) -> str:
    """A text as a part of a file's name."""
    return re.sub(r"[^\w.=-]+", "_", text, flags=re.ASCII)[:80].lstrip(".") or "_"
