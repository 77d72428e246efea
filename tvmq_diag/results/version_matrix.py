"""One model and its configurations on several TVMs: what became of each, toolchain by toolchain."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..configuration import Configuration, adapted, parse
from ..errors import UsageError
from ..measurements.benchmark import FLOAT
from .run import Result, Role, Run
from .verdict import Verdict

PAGE = "index.html"


@dataclass
class Column:
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
        """What was asked for, as far as it was tried, in the order of the run's page."""
        return self.run.with_role(Role.REQUESTED) if self.run is not None else []

    @property
    def float_result(self) -> Result | None:
        """The float model on it."""
        found = self.run.with_role(Role.FLOAT) if self.run is not None else []
        return found[0] if found else None

    def of(self, text: str) -> list[Result]:
        """What became of a configuration, as far as it was tried: one result for each meaning."""
        meant = [same.text for same in meaning(text, self.dialect)]
        known = {result.verdict.configuration: result for result in self.results}
        return [known[same] for same in meant if same in known]

    def has_all(self, text: str) -> bool:
        """Is all that there is to know of a configuration known?"""
        return self.dialect is not None and len(self.of(text)) == len(meaning(text, self.dialect))

    def link(self, result: Result) -> str:
        """Where a result is told in full, as seen from the matrix's folder."""
        place = next(i for i, same in enumerate(self.results) if same is result)
        return f"{self.folder}/{PAGE}#c{place}"


@dataclass
class Versions:
    """The matrix: configurations, as they were typed, by toolchains. `facts` are the command's."""

    configurations: list[str]
    columns: list[Column]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """How many cells are known."""
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
        """What versions.json holds."""
        columns = [_column(column, self.configurations) for column in self.columns]
        return {
            **self.facts,
            "complete": self.complete,
            "configurations": self.configurations,
            "toolchains": columns,
        }


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
    known: set[str] = set()
    found = []
    for text in texts:
        meant = {same.text for same in meaning(text, dialect)}
        if meant - known:
            found.append(text)
            known |= meant
    return found


def _column(column: Column, configurations: list[str]) -> dict[str, Any]:
    floats = column.float_result
    return {
        "name": column.name,
        "version": column.version,
        "dialect": column.dialect,
        "problem": column.problem,
        "page": f"{column.folder}/{PAGE}" if column.run is not None else None,
        FLOAT: _float(floats.verdict) if floats is not None else None,
        "cells": {
            text: [_entry(column, result) for result in column.of(text)] for text in configurations
        },
    }


def _float(decided: Verdict) -> dict[str, Any]:
    latency = decided.latency_ms
    return {
        "outcome": decided.outcome,
        "latency_ms": asdict(latency) if latency is not None else None,
    }


def _entry(column: Column, result: Result) -> dict[str, Any]:
    record = result.verdict.to_json()
    wanted = (
        "configuration", "outcome", "stage", "pass", "op", "message", "reason", "metrics",
        "latency_ms", "ratio",
    )  # fmt: skip
    return {**{name: record[name] for name in wanted}, "page": column.link(result)}
