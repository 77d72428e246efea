"""Several runs of one model in the order of their time, each compared with the one before it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..analysis import recovery
from ..errors import UsageError
from ..results.run import Result, Run
from . import run_diff
from .figures import Tolerances
from .run_diff import Comparison, ConfigurationDelta


@dataclass(frozen=True)
class Column:
    """A run, or a trace, of which neither time nor toolchain is known."""

    folder: Path
    created: str = ""
    model: str = ""
    toolchain: str = ""


@dataclass(frozen=True)
class Cell:
    """A configuration in a run: None where it was not tried; and what is not as in the run before,
    None in the first."""

    result: Result | None
    delta: ConfigurationDelta | None = None


@dataclass
class Across:
    """The runs, their configurations with a cell for each run, and the comparison of each run but
    the first with the one before it."""

    columns: list[Column]
    rows: dict[str, list[Cell]] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)

    @property
    def different(self) -> bool:
        """Is anything not as in the run before?"""
        return any(comparison.different for comparison in self.comparisons)

    @property
    def headline(self) -> str:
        """All of it in one line."""
        models = list(dict.fromkeys(column.model for column in self.columns if column.model))
        of = f" of {models[0]}" if len(models) == 1 else f" of {len(models)} models" * bool(models)
        worse = self.regressions()
        if worse:
            rest = f", and {len(worse) - 1} more" if len(worse) > 1 else ""
            said = f"worse is {worse[0]}{rest}"
        else:
            said = "nothing is worse" if self.different else "no difference"
        return f"{len(self.columns)} {'runs' if models else 'traces'}{of}; {said}"

    def regressions(self, allowed: frozenset[str] = frozenset()) -> list[str]:
        """What became worse, each as `configuration: class in run`."""
        return [
            f"{line} in {column.folder.name}"
            for column, comparison in zip(self.columns[1:], self.comparisons, strict=True)
            for line in comparison.regressions(allowed)
        ]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "headline": self.headline,
            "regressions": self.regressions(),
            "runs": [
                {"folder": str(column.folder), "created": column.created or None}
                for column in self.columns
            ],
            "comparisons": [comparison.to_json() for comparison in self.comparisons],
        }


def compare(folders: list[Path], tolerances: Tolerances) -> Across:
    """Compare several runs, the oldest first; or traces, in the order that they are given in.

    Raises UsageError when they are not all of one kind.
    """
    kinds = {folder: run_diff.is_run(folder) for folder in folders}
    if len(set(kinds.values())) > 1:
        other = next(folder for folder in folders if not kinds[folder])
        raise UsageError(f"{other} is no run, and others are: give all of one kind")
    if kinds[folders[0]]:
        return _runs(sorted(map(recovery.load, folders), key=_time), tolerances)
    return _traces(folders, tolerances)


def _runs(runs: list[Run], tolerances: Tolerances) -> Across:
    across = Across([_column(run) for run in runs])
    across.comparisons = [run_diff.of_runs(a, b, tolerances) for a, b in pairwise(runs)]
    results = [{one.verdict.configuration: one for one in run.results} for run in runs]
    deltas = [{delta.name: delta for delta in one.configurations} for one in across.comparisons]
    for name in dict.fromkeys(name for run in reversed(results) for name in run):
        across.rows[name] = [
            Cell(of_run.get(name), changed.get(name))
            for of_run, changed in zip(results, [{}, *deltas], strict=True)
        ]
    return across


def _traces(folders: list[Path], tolerances: Tolerances) -> Across:
    across = Across([Column(folder) for folder in folders])
    across.comparisons = [run_diff.compare(a, b, tolerances) for a, b in pairwise(folders)]
    results = [run_diff.load(folder) for folder in folders]
    deltas = [comparison.configurations[0] for comparison in across.comparisons]
    name = " -> ".join(dict.fromkeys(one.verdict.configuration for one in results))
    across.rows[name] = [
        Cell(result, delta) for result, delta in zip(results, [None, *deltas], strict=True)
    ]
    return across


def _column(run: Run) -> Column:
    facts = run.facts
    model = facts.model or facts.script or ""
    return Column(run.directory, facts.created or "", model, facts.toolchain or "")


def _time(run: Run) -> float:
    """Seconds since 1970; what has no time that can be read comes first."""
    try:
        return datetime.datetime.fromisoformat(run.facts.created or "").timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0
