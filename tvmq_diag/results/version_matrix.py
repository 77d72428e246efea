"""One model and its configurations on several TVMs: what became of each, toolchain by toolchain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from .. import foreign
from ..configuration import Configuration, adapted, parse
from ..errors import UsageError
from ..measurements.metrics import Metrics
from ..measurements.paired import Latency, Ratio
from .facts import Circumstances
from .run import Result, Role, Run
from .verdict import WORKS, OpRef

PAGE = "index.html"
RECORD = "versions.json"


class Column(msgspec.Struct, eq=False):
    """A toolchain: a recipe's name or, with `python`, a TVM of the user's own.

    `folder` is that of its run, inside the matrix's. `problem` says why it has no results, or not
    all.
    """

    name: str
    folder: str
    python: Path | None = None
    version: str | None = None
    dialect: str | None = None
    problem: str | None = None
    run: Run | None = None

    @property
    def short(self) -> str:
        """What to call it in few words: of ~/my-tvm/bin/python, my-tvm."""
        if self.python is None:
            return self.name
        parts = [part for part in self.python.parts[:-1] if part not in ("bin", "/", "~")]
        return parts[-1] if parts else self.name

    @property
    def results(self) -> list[Result]:
        """Those of the requested configurations that were tried, in the order of the run's page."""
        return self.run.with_role(Role.REQUESTED) if self.run is not None else []

    @property
    def float_result(self) -> Result | None:
        """The float model on it."""
        results = self.run.with_role(Role.FLOAT) if self.run is not None else []
        return results[0] if results else None

    def of(self, text: str) -> list[Result]:
        """What became of a configuration, as far as it was tried: one result for each meaning."""
        results = {result.verdict.configuration: result for result in self.results}
        names = [configuration.text for configuration in meaning(text, self.dialect)]
        refused = self.run.not_imported if self.run is not None else None
        tried = (results.get(name, refused) for name in names)
        return [result for result in tried if result is not None]

    def has_all(self, text: str) -> bool:
        """Was a configuration tried in each of its meanings?"""
        return self.dialect is not None and len(self.of(text)) == len(meaning(text, self.dialect))

    def link(self, result: Result) -> str:
        """The place of a result on the page of its run, as seen from the matrix's folder."""
        place = next(i for i, same in enumerate(self.results) if same is result)
        return f"{self.folder}/{PAGE}#c{place}"


class VersionsFacts(Circumstances, kw_only=True):
    """What was run on each toolchain: the options as they were typed."""

    model: str | None = None
    input_shape: str | None = None


class Versions(msgspec.Struct, eq=False):
    """The matrix: configurations, as they were typed, by toolchains. `facts` are the command's."""

    configurations: list[str]
    columns: list[Column]
    facts: VersionsFacts = msgspec.field(default_factory=VersionsFacts)

    @property
    def done(self) -> int:
        """How many cells are complete."""
        return sum(column.has_all(text) for column in self.columns for text in self.configurations)

    @property
    def complete(self) -> bool:
        """Has each toolchain that could be used been used on everything?"""
        return all(
            column.problem is not None or column.has_all(text)
            for column in self.columns
            for text in self.configurations
        )

    def to_json(self) -> dict[str, Any]:
        """The object that versions.json holds."""
        record = VersionsRecord(
            **msgspec.structs.asdict(self.facts),
            complete=self.complete,
            configurations=self.configurations,
            toolchains=[_toolchain(column, self.configurations) for column in self.columns],
        )
        content: dict[str, Any] = msgspec.to_builtins(record)
        return content


def columns(names: list[str], pythons: list[Path]) -> list[Column]:
    """A column for each name, then for each interpreter of the user's own."""
    own = [Column(str(python), f"own-{i}", python) for i, python in enumerate(pythons, 1)]
    return [*(Column(name, name) for name in names), *own]


def meaning(text: str, dialect: str | None) -> list[Configuration]:
    """What a configuration means on a dialect; nothing if it has a field of the other one only."""
    if dialect is None:
        return []
    try:
        return adapted(parse(text), dialect)
    except UsageError:
        return []


def to_try(texts: list[str], dialect: str) -> list[str]:
    """Of some configurations those that mean something on a dialect, and no two of them the same.

    int8 and int8/int8/int32 are two configurations on Relay and one on Relax.
    """
    covered: set[str] = set()
    chosen = []
    for text in texts:
        names = {configuration.text for configuration in meaning(text, dialect)}
        if names - covered:
            chosen.append(text)
            covered |= names
    return chosen


class FloatRecord(msgspec.Struct, frozen=True):
    """What became of the float model on a toolchain."""

    outcome: str
    latency_ms: Latency | None = None


class CellRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a configuration on a toolchain: of its verdict what a table can say.

    `page`: its place on the page of its run, as seen from the matrix's folder.
    """

    configuration: str
    outcome: str
    stage: str | None = None
    pass_name: str | None = msgspec.field(default=None, name="pass")
    op: OpRef | None = None
    message: str | None = None
    reason: str | None = None
    metrics: Metrics | None = None
    latency_ms: Latency | None = None
    ratio: Ratio | None = None
    page: str | None = None


class ToolchainRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A toolchain: `cells` by configuration as it was typed, each with one entry a meaning."""

    name: str
    version: str | None = None
    dialect: str | None = None
    problem: str | None = None
    page: str | None = None
    float32: FloatRecord | None = None
    cells: dict[str, list[CellRecord]]

    @property
    def headline(self) -> str:
        """How many configurations work on it; what has two names is counted once."""
        outcomes = {e.configuration: e.outcome for entries in self.cells.values() for e in entries}
        works = sum(outcome == WORKS for outcome in outcomes.values())
        what = f"{works} of {len(outcomes)} work" if outcomes else "nothing was run"
        version = f" (TVM {self.version})" if self.version else ""
        return f"{what} on {self.name}{version}"


class VersionsRecord(VersionsFacts, kw_only=True):
    """What versions.json holds."""

    complete: bool = False
    configurations: list[str]
    toolchains: list[ToolchainRecord]

    @property
    def title(self) -> str:
        """What it is a matrix of."""
        return f"version matrix of {self.model or '?'}"

    @property
    def headline(self) -> str:
        """How many configurations work on each toolchain."""
        return "; ".join(toolchain.headline for toolchain in self.toolchains)


_DECODER = msgspec.json.Decoder(VersionsRecord)


def load(folder: Path) -> VersionsRecord:
    """The record in a folder, without the runs.

    Raises UsageError when there is none, or it is damaged.
    """
    return foreign.record(folder, RECORD, _DECODER)


def _toolchain(column: Column, configurations: list[str]) -> ToolchainRecord:
    floats = column.float_result
    verdict = floats.verdict if floats is not None else None
    return ToolchainRecord(
        name=column.name,
        version=column.version,
        dialect=column.dialect,
        problem=column.problem,
        page=f"{column.folder}/{PAGE}" if column.run is not None else None,
        float32=FloatRecord(verdict.outcome, verdict.latency_ms) if verdict is not None else None,
        cells={
            text: [_cell(column, result) for result in column.of(text)] for text in configurations
        },
    )


def _cell(column: Column, result: Result) -> CellRecord:
    names = set(CellRecord.__struct_fields__) - {"page"}
    values = {name: getattr(result.verdict, name) for name in names}
    return CellRecord(**values, page=column.link(result))
