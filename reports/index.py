"""The page over all runs in a folder, newest first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import words
from .page import environment

VERDICTS = "verdict.json"
FACTS = "run.json"


@dataclass(frozen=True)
class Line:
    """What became of one configuration."""

    configuration: str
    outcome: str
    said: str
    role: str


@dataclass(frozen=True)
class Entry:
    """A run. `page` is None when its report was not written."""

    name: str
    page: str | None
    created: str
    model: str
    lines: list[Line]


def write(runs_directory: Path) -> Path:
    """Write `index.html` over the runs in this folder; returns it."""
    entries: list[Entry] = []
    damaged: list[str] = []
    for verdicts in sorted(runs_directory.glob(f"*/{VERDICTS}")):
        try:
            entries.append(_entry(verdicts.parent))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            damaged.append(f"{verdicts.parent.name}: {words.clip(error, 120)}")
    # ISO strings of one machine sort by time; of one second, by name.
    entries.sort(key=lambda entry: (entry.created, entry.name), reverse=True)
    page = runs_directory / "index.html"
    template = environment().get_template("index.html.j2")
    page.write_text(template.render(entries=entries, damaged=damaged), encoding="utf-8")
    return page


def _entry(folder: Path) -> Entry:
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    verdicts = json.loads((folder / VERDICTS).read_text(encoding="utf-8"))
    return Entry(
        folder.name,
        f"{folder.name}/index.html" if (folder / "index.html").is_file() else None,
        words.clip(facts.get("created") or "", 40),
        words.clip(facts.get("model") or "?", 80),
        [_line(verdict) for verdict in verdicts],
    )


def _line(verdict: dict[str, Any]) -> Line:
    op = verdict.get("op")
    where = f"by {verdict['pass']}" if verdict.get("pass") else ""
    at = f"at {op['name']} (op #{op['index']})" if op else ""
    said = " ".join(part for part in (where, at) if part)
    message = verdict.get("message")
    if message:
        said = f"{said}: {message}" if said else message
    return Line(
        words.clip(verdict["configuration"], 60),
        str(verdict["outcome"]),
        words.clip(said, 200),
        words.clip(verdict.get("role") or "asked", 20),
    )
