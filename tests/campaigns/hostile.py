"""A run whose texts are programs: its page opened in a Chromium, its report in a terminal."""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

from support.pages import chromium, installed, opened
from support.runs import TINY

from tvmq_diag import foreign
from tvmq_diag.commands import cli, report

from .campaign import Campaign, expect

PROGRAMS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "'\" onmouseover=alert(1) x='",
    "javascript:alert(1)",
    "</style><style>*{display:none}</style>",
    "</title><base href='http://example.invalid/'>",
    "--><svg onload=alert(1)>",
    "]]><script>alert(1)</script>",
    "{{7*7}}{% include '/etc/passwd' %}${7*7}",
    "<iframe src='file:///etc/passwd'></iframe>",
    "url(http://example.invalid/x.png)",
    "<!ENTITY x SYSTEM 'file:///etc/passwd'>&x;",
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m",
    "\u202egnp.exe",
    "[link](javascript:alert(1))[bold red]",
    "\r\nerror: nothing",
    "\x00",
    "\ud800",
    "\u2028alert(1)",
    "z\u0335\u0321" * 30,
    "w" * 5000,
    "../../../../etc/passwd",
    "#int4/QuantizeRealize/0",
)


def trial(random: Random, folder: Path) -> None:
    """Programs for some of its texts; nothing runs, and nothing is asked for."""
    run = folder / "run"
    shutil.copytree(TINY, run, ignore=shutil.ignore_patterns("int8_int8_int32"))
    files = [run / "run.json", run / "verdict.json", *run.rglob("journal.jsonl")]
    files += sorted(run.rglob("snapshots/*.json"))
    for file in random.sample(files, random.randint(1, 4)):
        _poison(random, file)
    (run / "traces" / "int4" / "ir" / "failing.txt").write_bytes(
        _text(random).encode("utf-8", "replace")
    )
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = cli.script(report, [str(run)])
    told = said.getvalue()
    expect(told == foreign.printable(told), f"a terminal would obey {told[:300]!r}")
    page = run / "index.html"
    if code:
        expect(code == 2 and told.count("\n") == 1, f"exit code {code}: {told[:300]}")
        return
    text = page.read_text(encoding="utf-8")
    expect(text == foreign.printable(text), "the page has characters that a browser obeys")
    _look(page)


def _look(page: Path) -> None:
    tab = opened(_browser(), page)
    try:
        dialogs: list[str] = []
        tab.on("dialog", lambda dialog: dialogs.append(dialog.message))
        tab.on("dialog", lambda dialog: dialog.dismiss())
        tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        for link in tab.query_selector_all("a[href]"):
            target = link.get_attribute("href") or ""
            expect(":" not in target.split("#")[0], f"a link to {target[:100]!r}")
        elsewhere = [url for url in tab.asked if url != page.as_uri()]
        expect(not dialogs, f"it ran: {dialogs}")
        expect(not elsewhere, f"it asked for {elsewhere}")
        expect(not tab.complaints, f"the browser complains: {tab.complaints[:2]}")
        counted = tab.evaluate(
            "['script', 'style', 'iframe', 'img', 'base', 'object', 'embed']"
            ".map(tag => document.querySelectorAll(tag).length)"
        )
        expect(counted[2:] == [0] * 5, f"elements of somebody else's: {counted}")
        expect(tab.query_selector("h1, h2") is not None, "there is no heading")
        expect(
            tab.evaluate("document.querySelector('h1, h2').checkVisibility()"),
            "the heading cannot be seen",
        )
    finally:
        tab.context.close()


def _poison(random: Random, file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines() if file.suffix == ".jsonl" else None
    if lines is None:
        value = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(_poisoned(random, value)), encoding="utf-8")
        return
    for number in random.sample(range(len(lines)), min(8, len(lines))):
        lines[number] = json.dumps(_poisoned(random, json.loads(lines[number])))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _poisoned(random: Random, value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _poisoned(random, inside, name) for name, inside in value.items()}
    if isinstance(value, list):
        return [_poisoned(random, inside, key) for inside in value]
    if isinstance(value, str) and key != "kind" and random.random() < 0.3:
        return _text(random)
    return value


def _text(random: Random) -> str:
    return " ".join(random.sample(PROGRAMS, random.randint(1, 3)))


@functools.cache
def _browser() -> Any:
    """One for all trials, until the process ends."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(chromium(str(installed())))


CAMPAIGN = Campaign(
    "hostile",
    "nothing runs, asks for anything, or is obeyed",
    trial,
    lacks=lambda: None if installed() else "a chromium",
)
