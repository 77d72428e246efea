"""A zoo: many models, each in several configurations on one TVM or more, and what became of each.

A cell is one model in one configuration on one TVM. Its run, with all that the outcome rests on, is
in a folder inside the zoo's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from .. import foreign
from ..errors import UsageError
from .facts import Circumstances
from .verdict import GOOD, INTERRUPTED, TIMED_OUT, Verdict
from .version_matrix import CellRecord, meaning

RECORD = "zoo.json"
PAGE = "index.html"

PASSING = (TIMED_OUT, INTERRUPTED)
"""Outcomes that may be those of a busy machine: another time there may be another."""


class ZooTvm(msgspec.Struct):
    """A TVM that cells run on: a toolchain's name or, with `python`, the path as it was typed.

    `version`, `dialect` and `fingerprint` are None until it was asked; `problem` says why it has no
    cells. The fingerprint is that of its files (see toolchains.fingerprint).
    """

    name: str
    python: str | None = None
    version: str | None = None
    dialect: str | None = None
    fingerprint: str | None = None
    problem: str | None = None


class ZooCell(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a model in a configuration, as it was typed, on a TVM.

    `entries` has one for each meaning of the configuration there (Relax has two, its pipelines).
    Where there is none, `problem` says what was in the way: that is no outcome. `seconds` is what
    it took when it was run, also where that was before; `kept` says that it was.
    """

    model: str
    configuration: str
    tvm: str
    entries: list[CellRecord] = []
    problem: str | None = None
    seconds: float | None = None
    kept: bool = False

    @property
    def works(self) -> bool:
        """Do all meanings of it?"""
        return bool(self.entries) and all(entry.outcome in GOOD for entry in self.entries)

    @property
    def key(self) -> tuple[str, str, str]:
        """Which cell it is."""
        return self.model, self.configuration, self.tvm


class ZooFacts(Circumstances, kw_only=True):
    """With what the cells were run: the options of each, and where (None: on this machine)."""

    arguments: list[str] = msgspec.field(default_factory=list)
    scheduler: str | None = None


class Zoo(msgspec.Struct, kw_only=True):
    """The cells so far, in no order: each of `models`, in each configuration, on each TVM."""

    models: list[str]
    configurations: list[str]
    tvms: list[ZooTvm]
    cells: list[ZooCell] = []
    facts: ZooFacts = msgspec.field(default_factory=ZooFacts)

    @property
    def created(self) -> str | None:
        """When it was made, ISO 8601."""
        return self.facts.created

    @property
    def title(self) -> str:
        """What it is a zoo of."""
        return f"zoo of {len(self.models)} model{'s' if len(self.models) != 1 else ''}"

    @property
    def headline(self) -> str:
        """How many cells work, what came of the others, and whether all were run."""
        judged = [cell for cell in self.cells if cell.entries]
        said = f"{sum(cell.works for cell in judged)} of {len(judged)} cells work"
        bad = [(name, count) for name, count in self.outcomes.most_common() if name not in GOOD]
        said += "".join(f", {count} {name}" for name, count in bad)
        without = len(self.cells) - len(judged)
        if without:
            said += f"; {without} without a result"
        return f"{said}; {self.remaining} not run" if self.remaining else said

    @property
    def wanted(self) -> Iterator[tuple[str, str, ZooTvm]]:
        """The cells that there are to run, model by model. A configuration that means nothing on a
        TVM's dialect is none, nor is one on a TVM that cannot be used."""
        for model in self.models:
            for tvm in self.tvms:
                for text in self.configurations:
                    foreign_to_it = tvm.dialect is not None and not meaning(text, tvm.dialect)
                    if tvm.problem is None and not foreign_to_it:
                        yield model, text, tvm

    @property
    def remaining(self) -> int:
        """How many cells were not run, or not yet."""
        return max(0, len(list(self.wanted)) - len(self.cells))

    @property
    def outcomes(self) -> Counter[str]:
        """In how many cells each outcome came: one with two meanings may have two."""
        return Counter(name for cell in self.cells for name in {e.outcome for e in cell.entries})

    def cell(self, model: str, configuration: str, tvm: str) -> ZooCell | None:
        """The cell, None if it was not run."""
        return next((c for c in self.cells if c.key == (model, configuration, tvm)), None)

    def to_json(self) -> dict[str, Any]:
        """The object that zoo.json holds: cells in the order of `wanted`."""
        order = {(m, text, tvm.name): i for i, (m, text, tvm) in enumerate(self.wanted)}
        record = ZooRecord(
            **msgspec.structs.asdict(self.facts),
            models=self.models,
            configurations=self.configurations,
            tvms=self.tvms,
            cells=sorted(self.cells, key=lambda cell: order.get(cell.key, len(order))),
        )
        content: dict[str, Any] = msgspec.to_builtins(record)
        return content


class ZooRecord(ZooFacts, kw_only=True):
    """What zoo.json holds."""

    models: list[str]
    configurations: list[str]
    tvms: list[ZooTvm]
    cells: list[ZooCell] = msgspec.field(default_factory=list)


_DECODER = msgspec.json.Decoder(ZooRecord)


def load(place: Path) -> Zoo:
    """The zoo of a folder, or of a file that is its record.

    Raises UsageError when there is none, or it is damaged.
    """
    folder, name = (place, RECORD) if place.is_dir() else (place.parent, place.name)
    if not (folder / name).exists():
        raise UsageError(f"{place} is no zoo: give a folder with {RECORD}, or such a file")
    record = foreign.record(folder, name, _DECODER)
    facts = {name: getattr(record, name) for name in ZooFacts.__struct_fields__}
    return Zoo(
        models=record.models,
        configurations=record.configurations,
        tvms=record.tvms,
        cells=record.cells,
        facts=ZooFacts(**facts),
    )


def entry(verdict: Verdict, page: str) -> CellRecord:
    """Of a verdict what a cell holds; `page`: where it is told, seen from the zoo's folder."""
    names = set(CellRecord.__struct_fields__) - {"page"}
    return CellRecord(**{name: getattr(verdict, name) for name in names}, page=page)


def verdict_of(entry: CellRecord, tvm: str) -> Verdict:
    """An entry as the verdict that it was made from, as far as it holds that."""
    names = set(CellRecord.__struct_fields__) - {"page", "configuration", "outcome"}
    verdict = Verdict(entry.configuration, tvm, entry.outcome)
    for name in names:
        setattr(verdict, name, getattr(entry, name))
    return verdict
