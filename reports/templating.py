"""The templates of all pages, and how they are filled."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import re
import urllib.parse
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from tvmq_diag import foreign

from . import formatting

_TEMPLATES = Path(__file__).parent / "templates"
_VIEWER = Path(__file__).parent / "viewer"

VIEWER = (
    "dom",
    "store",
    "place",
    "words",
    "diff",
    "rails",
    "strip",
    "oprow",
    "listing",
    "lowered",
    "texts",
    "family",
    "card",
    "search",
    "timeline",
    "graph_sides",
    "graph_nodes",
    "graph_colours",
    "graph",
    "viewer",
)
"""The parts of the viewer's script, each after those that it uses."""

BESIDE = (
    "dom",
    "store",
    "pairs",
    "place",
    "words",
    "diff",
    "rails",
    "strip",
    "oprow",
    "sides",
    "listing",
    "lowered",
    "texts",
    "paircard",
    "viewer",
)
"""The same of the page of two runs."""


def environment() -> Environment:
    """Jinja as every page of the reports uses it: escaping, and loud about misspelt names."""
    jinja = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters.update(
        number=formatting.number,
        clip=formatting.clip,
        printable=formatting.printable,
        href=link,
        breakable=breakable,
    )
    jinja.globals.update(
        outcome_mark=formatting.outcome_mark,
        outcome_class=formatting.outcome_class,
        families=formatting.FAMILY_MARKS,
        family_names=formatting.FAMILY_NAMES,
        fate_marks=formatting.FATE_MARKS,
        # Ours alone: nothing that came out of a model passes through here.
        asset=_asset,
        script=script,
        script_hash=script_hash,
    )
    return jinja


def link(path: str) -> str:
    """A relative path as a relative URL, quoted; also of a name that is no UTF-8."""
    return urllib.parse.quote(os.fsencode(path))


def breakable(configuration: str) -> Markup:
    """A configuration that a narrow column may break: behind a colon, and within many digits."""
    text = str(escape(_harmless(configuration))).replace(":", ":<wbr>")
    return Markup(_DIGITS.sub(r"\1<wbr>", text))


_DIGITS = re.compile(r"(\d{10})(?=\d)")


def _harmless(value: object) -> object:
    """What a template is about to write, without what a browser would obey."""
    return foreign.printable(value) if type(value) is str else value


def _asset(name: str) -> Markup:
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))


@functools.cache
def script(viewer: bool, more: tuple[str, ...] = ()) -> Markup:
    """A page's own script; with that of the viewer, in the order in which its parts need each
    other, and `more` of its kind of page."""
    names = [*(VIEWER if viewer else ()), *more]
    parts = [_asset("page.js"), *(_part(name) for name in names)]
    return Markup("\n").join(parts)


@functools.cache
def script_hash(viewer: bool, more: tuple[str, ...] = ()) -> str:
    """The script's hash as a page's Content-Security-Policy names it: no other runs."""
    digest = hashlib.sha256(script(viewer, more).encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _part(name: str) -> Markup:
    return Markup((_VIEWER / f"{name}.js").read_text(encoding="utf-8"))
