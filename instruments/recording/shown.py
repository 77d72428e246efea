"""What a QuantizeTrace shows in a notebook of an interpreter that cannot read traces: plain HTML.

Read off the journal, line by line, with the standard library. It takes what colours the notebook
has, so that it is legible in any theme.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

from ..protocol.schema import JOURNAL

_LONGEST = 400


def plain(path: Path, is_open: bool) -> str:
    """A table of the stages, with how many passes ran and how many ms they took, what failed, and
    what to call next."""
    stages, told, ended = _summary(path)
    state = "is recording" if is_open else "is recorded" if ended else "has no end"
    if not (path / JOURNAL).exists():
        return f"<p><b>QuantizeTrace</b> will record into <code>{_text(str(path))}</code></p>"
    rows = "".join(
        f"<tr><td>{_text(stage)}</td><td>{passes}</td><td>{ms:.0f}</td></tr>"
        for stage, (passes, ms) in stages.items()
    )
    table = (
        f"<table><thead><tr><th>stage</th><th>passes</th><th>ms</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
        if rows
        else "<p>No pass ran yet.</p>"
    )
    failure = f"<p><b>\u2717 {_text(': '.join(told))}</b></p>" if told else ""
    where = _text(repr(str(path)))
    return (
        f"<div><p><b>QuantizeTrace</b> {state}: <code>{_text(str(path))}</code></p>"
        f"{failure}{table}<p>Where tvmq_diag is installed (Python 3.10 or newer), "
        f"<code>tvmq_diag.load({where})</code> has the verdict, the dtypes and each step; "
        f"<code>tvmq-diag report {_text(str(path))}</code> writes its page.</p></div>"
    )


def _summary(path: Path) -> Tuple[Dict[str, Tuple[int, float]], List[str], bool]:
    """Of each stage how many passes began in it, and the ms of its outermost; what failed, in
    words; and whether the journal has an end."""
    stages: Dict[str, Tuple[int, float]] = {}
    began: Dict[Any, Tuple[str, float]] = {}
    names: Dict[Any, str] = {}
    told: List[str] = []
    ended = False
    for event in _events(path):
        kind, at = event.get("kind"), event.get("t", 0.0)
        if kind == "enter":
            stage = str(event.get("stage"))
            passes, ms = stages.get(stage, (0, 0.0))
            stages[stage] = (passes + 1, ms)
            names[event.get("id")] = str(event.get("name"))
            if event.get("parent") is None:
                began[event.get("id")] = (stage, at)
        elif kind == "leave" and event.get("id") in began:
            stage, since = began[event.get("id")]
            passes, ms = stages[stage]
            stages[stage] = (passes, ms + at - since)
        elif kind == "error":
            inside = [names[number] for number in event.get("passes", ()) if number in names]
            told = [f"failed in {inside[-1]}" if inside else "failed", _said(event)]
        elif kind == "blame" and told:
            told[0] += f" at {event.get('name')} (op #{event.get('index')})"
        ended = kind == "end"
    return stages, told, ended


def _said(event: Dict[str, Any]) -> str:
    """The message of an error: what TVM says comes last, behind its C++ frames."""
    lines = [line for line in str(event.get("message")).splitlines() if line.strip()]
    return lines[-1] if lines else str(event.get("error"))


def _events(path: Path) -> Iterator[Dict[str, Any]]:
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
