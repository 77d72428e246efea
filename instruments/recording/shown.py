"""What a QuantizeTrace shows in a notebook of an interpreter that cannot read traces: plain HTML.

Read off the journal, line by line, with the standard library. It takes what colours the notebook
has, so that it is legible in any theme.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any, Iterator

from ..protocol.schema import JOURNAL

_LONGEST = 400


def plain(path: Path, is_open: bool) -> str:
    """A table of the stages, with how many passes began in each, what failed, and what to call
    next."""
    if not (path / JOURNAL).exists():
        return f"<p><b>QuantizeTrace</b> will record into <code>{_text(str(path))}</code></p>"
    stages, told, ended = _summary(path)
    state = "is recording" if is_open else "is recorded" if ended else "has no end"
    rows = "".join(f"<tr><td>{_text(name)}</td><td>{n}</td></tr>" for name, n in stages.items())
    head = "<thead><tr><th>stage</th><th>passes</th></tr></thead>"
    table = f"<table>{head}<tbody>{rows}</tbody></table>" if rows else "<p>No pass ran yet.</p>"
    failure = f"<p><b>\u2717 {_text(': '.join(told))}</b></p>" if told else ""
    where = _text(repr(str(path)))
    return (
        f"<div><p><b>QuantizeTrace</b> {state}: <code>{_text(str(path))}</code></p>"
        f"{failure}{table}<p>Where tvmq_diag is installed (Python 3.10 or newer), "
        f"<code>tvmq_diag.load({where})</code> has the verdict, the dtypes and each step; "
        f"<code>tvmq-diag report {_text(str(path))}</code> writes its page.</p></div>"
    )


def _summary(path: Path) -> tuple[dict[str, int], list[str], bool]:
    """How many passes began in each stage; what failed, in words; has the journal an end?"""
    stages: dict[str, int] = {}
    names: dict[str, str] = {}
    told: list[str] = []
    ended = False
    for event in _events(path):
        kind = event.get("kind")
        if kind == "enter":
            stage = str(event.get("stage"))
            stages[stage] = stages.get(stage, 0) + 1
            names[str(event.get("id"))] = str(event.get("name"))
        elif kind == "error":
            inside = event.get("passes") or [""]
            blamed = names.get(str(inside[-1])) if isinstance(inside, list) else None
            told = [f"failed in {blamed}" if blamed else "failed", _said(event)]
        elif kind == "blame" and told:
            told[0] += f" at {event.get('name')} (op #{event.get('index')})"
        ended = kind == "end"
    return stages, told, ended


def _said(event: dict[str, Any]) -> str:
    """The message of an error: what TVM says comes last, behind its C++ frames."""
    lines = [line for line in str(event.get("message")).splitlines() if line.strip()]
    return lines[-1] if lines else str(event.get("error"))


def _events(path: Path) -> Iterator[dict[str, Any]]:
    """The events that can be read: the last line may be written half, or the disk be full."""
    try:
        lines = (path / JOURNAL).read_bytes().split(b"\n")
    except OSError:
        return
    for line in lines:
        try:
            event = json.loads(line.decode("utf-8", "replace")) if line else None
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def _text(text: str) -> str:
    """A text as HTML, on one line, clipped, without control characters."""
    line = " ".join(text.split())
    kept = "".join(c if c.isprintable() else "\ufffd" for c in line[:_LONGEST])
    return html.escape(kept + ("\u2026" if len(line) > _LONGEST else ""))
