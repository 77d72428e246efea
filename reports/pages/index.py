"""The page over all runs in a folder, matrices and benchmarks among them, newest first."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvmq_diag.measurements.benchmark import AGAIN
from tvmq_diag.results.run import Role
from tvmq_diag.results.verdict import WORKS

from .. import formatting
from ..templating import environment

VERDICTS = "verdict.json"
FACTS = "run.json"
MATRIX = "matrix.json"
BENCHMARK = "benchmark.json"
VERSIONS = "versions.json"
COMPARISON = "comparison.json"

_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class Line:
    """What became of one configuration."""

    configuration: str
    outcome: str
    said: str
    role: str


@dataclass(frozen=True)
class Entry:
    """A run. `page` is None when its report was not written.

    `what` is the model, or that it is a support matrix or benchmark; those have a `summary`, no
    lines.
    """

    name: str
    page: str | None
    created: str
    what: str
    lines: list[Line]
    summary: str = ""


def write(runs_directory: Path) -> Path:
    """Write `index.html` over the runs in this folder; returns it."""
    entries: list[Entry] = []
    damaged: list[str] = []
    for record, read in (
        (VERDICTS, _run),
        (MATRIX, _matrix),
        (BENCHMARK, _benchmark),
        (VERSIONS, _versions),
        (COMPARISON, _comparison),
    ):
        for path in sorted(runs_directory.glob(f"*/{record}")):
            try:
                entries.append(read(path.parent))
            except _DAMAGE as error:
                why = f"there is no {error}" if isinstance(error, KeyError) else error
                damaged.append(f"{path.parent.name}: {formatting.clip(why, 120)}")
    # ISO strings of one machine sort by time; of one second, by name.
    entries.sort(key=lambda entry: (entry.created, entry.name), reverse=True)
    page = runs_directory / "index.html"
    template = environment().get_template("index.html.j2")
    page.write_text(template.render(entries=entries, damaged=damaged), encoding="utf-8")
    return page


def _run(folder: Path) -> Entry:
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    verdicts = json.loads((folder / VERDICTS).read_text(encoding="utf-8"))
    return Entry(
        folder.name,
        _page(folder),
        formatting.clip(facts.get("created") or "", 40),
        formatting.clip(facts.get("model") or "?", 80),
        [_line(verdict) for verdict in verdicts],
    )


def _matrix(folder: Path) -> Entry:
    record = json.loads((folder / MATRIX).read_text(encoding="utf-8"))
    version = record.get("tvm_version")
    chain = f" ({record['toolchain']})" if record.get("toolchain") else ""
    return Entry(
        folder.name,
        _page(folder),
        formatting.clip(record.get("created") or "", 40),
        formatting.clip(f"support matrix of TVM {version or '?'}{chain}", 80),
        [],
        formatting.clip(_counts(record), 300),
    )


def _benchmark(folder: Path) -> Entry:
    record = json.loads((folder / BENCHMARK).read_text(encoding="utf-8"))
    ratios = [
        f"{name} {side['to_float']['value']:.2f}{formatting.TIMES} float"
        for name, side in record["sides"].items()
        if side["to_float"] is not None and name != AGAIN
    ]
    return Entry(
        folder.name,
        _page(folder),
        formatting.clip(record.get("created") or "", 40),
        formatting.clip(f"benchmark of {record.get('model') or '?'}", 80),
        [],
        formatting.clip(", ".join(ratios) or "nothing was compared", 300),
    )


def _comparison(folder: Path) -> Entry:
    record = json.loads((folder / COMPARISON).read_text(encoding="utf-8"))
    worse = len(record["regressions"])
    said = f"{record['headline']}; {worse} regression{'s' if worse != 1 else ''}"
    return Entry(
        folder.name,
        _page(folder),
        formatting.clip(record.get("created") or "", 40),
        "comparison",
        [],
        formatting.clip(said, 300),
    )


def _versions(folder: Path) -> Entry:
    record = json.loads((folder / VERSIONS).read_text(encoding="utf-8"))
    said = []
    for chain in record["toolchains"]:
        found = {e["configuration"]: e for entries in chain["cells"].values() for e in entries}
        works = sum(entry["outcome"] == WORKS for entry in found.values())
        what = f"{works} of {len(found)} work" if found else "nothing was run"
        version = f" (TVM {chain['version']})" if chain["version"] else ""
        said.append(f"{what} on {chain['name']}{version}")
    return Entry(
        folder.name,
        _page(folder),
        formatting.clip(record.get("created") or "", 40),
        formatting.clip(f"version matrix of {record.get('model') or '?'}", 80),
        [],
        formatting.clip("; ".join(said), 300),
    )


def _counts(record: dict[str, Any]) -> str:
    """How many cells work, in all and by dtype; and whether all were run."""
    cells, dtypes = record["cells"], record["dtypes"]
    working = Counter(cell["dtype"] for cell in cells if cell["stopped_at"] is None)
    tried = Counter(cell["dtype"] for cell in cells)
    each = ", ".join(f"{working[dtype]} of {tried[dtype]} in {dtype}" for dtype in dtypes)
    asked = len(record["ops"]) * len(dtypes)
    said = f"{working.total()} of {len(cells)} cells work: {each}"
    return said if len(cells) == asked else f"{said}; stopped after {len(cells)} of {asked} cells"


def _page(folder: Path) -> str | None:
    return f"{folder.name}/index.html" if (folder / "index.html").is_file() else None


def _line(verdict: dict[str, Any]) -> Line:
    op = verdict.get("op")
    where = f"by {verdict['pass']}" if verdict.get("pass") else ""
    at = f"at {op['name']} (op #{op['index']})" if op else ""
    said = " ".join(part for part in (where, at) if part)
    message = verdict.get("message")
    if message:
        said = f"{said}: {message}" if said else message
    return Line(
        formatting.clip(verdict["configuration"], 60),
        str(verdict["outcome"]),
        formatting.clip(said, 200),
        formatting.clip(verdict.get("role") or Role.REQUESTED.value, 20),
    )
