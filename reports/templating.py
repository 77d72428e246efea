"""The templates of all pages, and how they are filled."""

from __future__ import annotations

import urllib.parse
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from . import formatting

_TEMPLATES = Path(__file__).parent / "templates"


def environment() -> Environment:
    """Jinja as every page of the reports uses it: escaping, and loud about misspelt names."""
    jinja = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters.update(
        number=formatting.number,
        clip=formatting.clip,
        printable=formatting.printable,
        href=link,
    )
    jinja.globals.update(
        outcome_mark=formatting.outcome_mark,
        outcome_class=formatting.outcome_class,
        families=formatting.FAMILY_MARKS,
        family_names=formatting.FAMILY_NAMES,
        fate_marks=formatting.FATE_MARKS,
        # Ours alone: nothing that came out of a model passes through here.
        asset=lambda name: Markup((_TEMPLATES / name).read_text(encoding="utf-8")),
    )
    return jinja


def link(path: str) -> str:
    """A relative path as a relative URL, quoted."""
    return urllib.parse.quote(path)
