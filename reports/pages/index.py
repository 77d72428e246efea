"""The page over all runs in a folder, matrices and benchmarks among them, newest first."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from markupsafe import Markup

from tvmq_diag import foreign
from tvmq_diag.comparison import record as comparison_record
from tvmq_diag.comparison.record import ComparisonRecord
from tvmq_diag.decoding import Damage
from tvmq_diag.errors import UsageError
from tvmq_diag.measurements.metrics import Metrics
from tvmq_diag.results import benchmark_record, store, support_matrix, version_matrix, zoo
from tvmq_diag.results.run import Role
from tvmq_diag.results.store import VerdictRecord
from tvmq_diag.trace import layout

from .. import formatting
from ..templating import environment
from ..views import trends
from ..views.trends import Line

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
    zoo.RECORD: zoo.load,
    comparison_record.RECORD: comparison_record.load,
}
"""What may be beside runs, by the file that says it is."""


@dataclass(frozen=True)
class Entry:
    """A run, or a record with a headline and no lines. `page` is None when it was not written.

    `argument` is how a command names the run, None of what is none or cannot be typed; `compared`
    are the names of the two runs that a comparison is of.
    """

    name: str
    page: str | None
    created: str
    title: str
    lines: list[Line]
    headline: str = ""
    toolchain: str = ""
    argument: str | None = None
    compared: tuple[str, str] | None = None


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
    entries, damaged = listed(runs_directory)
    page = runs_directory / NAME
    template = environment().get_template("index.html.j2")
    foreign.write(
        page,
        template.render(
            entries=entries,
            models=sorted({entry.title for entry in entries if entry.lines}),
            configurations=_each(entries, lambda line: line.configuration),
            outcomes=_each(entries, lambda line: line.outcome),
            toolchains=sorted({entry.toolchain for entry in entries if entry.toolchain}),
            trends=trends.trends([(entry.title, entry.lines) for entry in reversed(entries)]),
            damaged=damaged,
            title=TITLE,
            raw=Markup,  # small curves, which hold numbers only
        ),
    )
    return page


def listed(runs_directory: Path) -> tuple[list[Entry], list[str]]:
    """The runs and records in a folder, newest first; and a sentence for each that is damaged."""
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
    return entries, damaged


def _each(entries: list[Entry], what: Callable[[Line], str]) -> list[str]:
    return sorted({what(line) for entry in entries for line in entry.lines})


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
    title = formatting.clip(facts.model or facts.script or "?", 80)
    return _entry(
        folder,
        facts.created,
        title,
        lines,
        toolchain=formatting.clip(facts.toolchain or "", 40),
        argument=_argument(folder),
    )


def _argument(folder: Path) -> str | None:
    typed = str(folder)
    return shlex.quote(typed) if foreign.printable(typed) == typed else None


def _record(file: str) -> Callable[[Path], Entry]:
    def entry(folder: Path) -> Entry:
        record = RECORDS[file](folder)
        headline = formatting.clip(record.headline, 300)
        title = formatting.clip(record.title, 80)
        return _entry(folder, record.created, title, [], headline, compared=_compared(record))

    return entry


def _compared(record: Record) -> tuple[str, str] | None:
    if not isinstance(record, ComparisonRecord) or record.before is None or record.now is None:
        return None
    return Path(record.before).name, Path(record.now).name


def _entry(
    folder: Path,
    created: str | None,
    title: str,
    lines: list[Line],
    headline: str = "",
    *,
    toolchain: str = "",
    argument: str | None = None,
    compared: tuple[str, str] | None = None,
) -> Entry:
    page = f"{folder.name}/index.html" if (folder / "index.html").is_file() else None
    when = formatting.clip(created or "", 40)
    return Entry(folder.name, page, when, title, lines, headline, toolchain, argument, compared)


def _line(verdict: VerdictRecord) -> Line:
    metrics, ratio = verdict.metrics, verdict.ratio
    return Line(
        formatting.clip(verdict.configuration, 60),
        formatting.clip(verdict.outcome, 20),
        formatting.clip(verdict.cause, 200),
        "" if verdict.role == Role.REQUESTED else verdict.role.value,
        metrics.cosine if metrics is not None else None,
        _same(metrics),
        ratio.value if ratio is not None else None,
    )


def _same(metrics: Metrics | None) -> float | None:
    """The share of classes or integers that are the float model's."""
    if metrics is None:
        return None
    agreement = metrics.agreement
    return agreement.share if agreement is not None and agreement.of else metrics.top1_agree
