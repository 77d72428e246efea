"""The support matrix: how far each kind of op gets in each dtype."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from .. import foreign
from ..instruments.protocol import cells
from .facts import Circumstances

RECORD = "matrix.json"

STEPS = cells.STEPS
NEEDS = cells.NEEDS
OPS = cells.OPS
"""By dialect."""
DTYPES = ("int8", "int4", "uint4", "int2", "int1", "bool")


_BY_SIGNAL = re.compile(r"^the process died \(SIG\w+\)$")


class CellStep(msgspec.Struct, frozen=True):
    """One step of a cell. `ok` None: not tried, and `message` says why.

    `where` is the innermost pass and the line of TVM it came from; `detail` all of the error.
    """

    name: str
    ok: bool | None
    message: str = ""
    where: str = ""
    detail: str = ""


class Cell(msgspec.Struct, frozen=True):
    """A kind of op in a dtype, and how each of STEPS went."""

    op: str
    dtype: str
    steps: list[CellStep]

    @property
    def blockers(self) -> list[CellStep]:
        """The steps that fail, in order."""
        return [step for step in self.steps if step.ok is False]

    @property
    def stopped_at(self) -> str | None:
        """The first step that fails; None if none does."""
        return next((step.name for step in self.blockers), None)

    @property
    def reached(self) -> str | None:
        """The last step that went well before the first that failed; None if there is none."""
        last = None
        for step in self.steps:
            if step.ok is False:
                break
            if step.ok:
                last = step.name
        return last


class MatrixFacts(Circumstances, kw_only=True):
    """On which TVM the cells were run, and for which processor; `seconds` is what it took."""

    toolchain: str | None = None
    python: str | None = None
    tvm_version: str | None = None
    mcpu: str | None = None
    timeout: str | None = None
    seconds: float | None = None


class Matrix(msgspec.Struct):
    """The cells that were run so far, op by op, of each of `ops` in each of `dtypes`."""

    ops: list[str]
    dtypes: list[str]
    cells: list[Cell] = []
    facts: MatrixFacts = msgspec.field(default_factory=MatrixFacts)

    @property
    def created(self) -> str | None:
        """When it was made, ISO 8601."""
        return self.facts.created

    @property
    def title(self) -> str:
        """What it is a matrix of."""
        chain = f" ({self.facts.toolchain})" if self.facts.toolchain else ""
        return f"support matrix of TVM {self.facts.tvm_version or '?'}{chain}"

    @property
    def headline(self) -> str:
        """How many cells work, in all and by dtype; and whether all were run."""
        working = Counter(cell.dtype for cell in self.cells if cell.stopped_at is None)
        tried = Counter(cell.dtype for cell in self.cells)
        each = ", ".join(f"{working[dtype]} of {tried[dtype]} in {dtype}" for dtype in self.dtypes)
        works = f"{working.total()} of {len(self.cells)} cells work: {each}"
        wanted = len(self.ops) * len(self.dtypes)
        stopped = f"; stopped after {len(self.cells)} of {wanted} cells"
        return works if len(self.cells) == wanted else works + stopped

    def cell(self, op: str, dtype: str) -> Cell | None:
        """The cell, None if it was not run."""
        return next((c for c in self.cells if (c.op, c.dtype) == (op, dtype)), None)

    def of_dtype(self, dtype: str) -> list[Cell]:
        """The cells of a dtype that were run."""
        return [cell for cell in self.cells if cell.dtype == dtype]

    def to_json(self) -> dict[str, Any]:
        """The object that matrix.json holds."""
        cells = [
            {**msgspec.to_builtins(cell), "reached": cell.reached, "stopped_at": cell.stopped_at}
            for cell in self.cells
        ]
        facts = msgspec.to_builtins(self.facts)
        return {**facts, "ops": self.ops, "dtypes": self.dtypes, "cells": cells}


class _Record(MatrixFacts, kw_only=True):
    """What matrix.json holds."""

    ops: list[str]
    dtypes: list[str]
    cells: list[Cell]


_DECODER = msgspec.json.Decoder(_Record)


def load(folder: Path) -> Matrix:
    """The matrix in a folder. Raises UsageError when there is none, or it is damaged."""
    record = foreign.record(folder, RECORD, _DECODER)
    facts = {name: getattr(record, name) for name in MatrixFacts.__struct_fields__}
    return Matrix(record.ops, record.dtypes, record.cells, MatrixFacts(**facts))


class Blocker(msgspec.Struct, frozen=True):
    """Something to fix: a failure that ops of one dtype have in common."""

    step: str
    message: str
    where: list[str]
    ops: list[str]


def blockers(cells: Iterable[Cell]) -> list[Blocker]:
    """What the cells fail with, by step and message: in the order of STEPS, then most ops first."""
    ops: dict[tuple[str, str], list[str]] = {}
    places: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        for step in cell.blockers:
            # By which signal is chance: it is the one bug.
            key = (step.name, _BY_SIGNAL.sub("the process died", step.message))
            ops.setdefault(key, []).append(cell.op)
            if step.where and step.where not in places.setdefault(key, []):
                places[key].append(step.where)
    blocking = [Blocker(*key, places.get(key, []), names) for key, names in ops.items()]
    return sorted(blocking, key=lambda b: (STEPS.index(b.step), -len(b.ops)))


def is_integer(dtype: str) -> bool:
    """Is it a dtype that a cell can be run in?"""
    return re.fullmatch(r"bool|u?int[1-9]\d?", dtype) is not None
