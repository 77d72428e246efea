"""The page over all runs in a folder, matrices and benchmarks among them, newest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tvmq_diag import foreign
from tvmq_diag.comparison import record as comparison_record
from tvmq_diag.decoding import Damage
from tvmq_diag.errors import UsageError
from tvmq_diag.results import benchmark_record, store, support_matrix, version_matrix
from tvmq_diag.results.run import Role
from tvmq_diag.results.store import VerdictRecord
from tvmq_diag.trace import layout

from .. import formatting
from ..templating import environment

NAME = "index.html"
RUNS = "runs"
"""The name of a folder for runs."""

TITLE = "All runs · tvmq_diag"
"""Of the index, which is known by it."""


class Record(Protocol):
    """What the index says of a matrix, a benchmark, a comparison."""

    @property
    def created(self) -> str | None: ...

    @property
    def title(self) -> str: ...

    @property
    def headline(self) -> str: ...


RECORDS: dict[str, Callable[[Path], Record]] = {
    support_matrix.RECORD: support_matrix.load,
    benchmark_record.RECORD: benchmark_record.load,
    version_matrix.RECORD: version_matrix.load,
    comparison_record.RECORD: comparison_record.load,
}
"""What may be beside runs, by the file that says it is."""


@dataclass(frozen=True)
class Line:
    """What became of one configuration. `role` is empty for one that was asked for."""

    configuration: str
    outcome: str
    cause: str
    role: str


@dataclass(frozen=True)
class Entry:
    """A run, or a record with a headline and no lines. `page` is None when it was not written."""

    name: str
    page: str | None
    created: str
    title: str
    lines: list[Line]
    headline: str = ""


def update(folder: Path) -> Path | None:
    """Write the index over the runs in a folder, if that is a folder of runs: called RUNS, or one
    with an index of ours. Returns it, None where the folder is somebody's own.

    A page that we did not write is never written over.
    """
    page = folder / NAME
    if page.exists() or page.is_symlink():
        return write(folder) if _is_ours(page) else None
    return write(folder) if folder.resolve().name == RUNS else None


def write(runs_directory: Path) -> Path:
    """Write `index.html` over the runs in this folder; returns it. What cannot be read is named."""
    entries: list[Entry] = []
    damaged: list[str] = []
    for file, entry in ((layout.VERDICTS, _run), *((name, _record(name)) for name in RECORDS)):
        for path in sorted(runs_directory.glob(f"*/{file}")):
            try:
                entries.append(entry(path.parent))
            except (UsageError, Damage) as error:
                damaged.append(f"{path.parent.name}: {formatting.clip(error, 120)}")
    # ISO strings of one machine sort by time; of one second, by name.
    entries.sort(key=lambda entry: (entry.created, entry.name), reverse=True)
    page = runs_directory / NAME
    template = environment().get_template("index.html.j2")
    foreign.write(page, template.render(entries=entries, damaged=damaged, title=TITLE))
    return page


def _is_ours(page: Path) -> bool:
    """Did this tool write an index? Also of versions that did not sign it otherwise."""
    try:
        head = foreign.read(page.parent, page.name)[:4000]
    except (OSError, Damage):
        return False
    return f"<title>{TITLE}</title>".encode() in head


def _run(folder: Path) -> Entry:
    records = store.read(folder)
    lines = [_line(verdict) for verdict in records.verdicts]
    facts = records.facts
    return _entry(
        folder, facts.created, formatting.clip(facts.model or facts.script or "?", 80), lines
    )


def _record(file: str) -> Callable[[Path], Entry]:
    def entry(folder: Path) -> Entry:
        record = RECORDS[file](folder)
        headline = formatting.clip(record.headline, 300)
        return _entry(folder, record.created, formatting.clip(record.title, 80), [], headline)

    return entry


def _entry(
    folder: Path, created: str | None, title: str, lines: list[Line], headline: str = ""
) -> Entry:
    page = f"{folder.name}/index.html" if (folder / "index.html").is_file() else None
    when = formatting.clip(created or "", 40)
    return Entry(folder.name, page, when, title, lines, headline)


def _line(verdict: VerdictRecord) -> Line:
    return Line(
        formatting.clip(verdict.configuration, 60),
        verdict.outcome,
        formatting.clip(verdict.cause, 200),
        "" if verdict.role == Role.REQUESTED else verdict.role.value,
    )
