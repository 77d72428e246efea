"""The support matrix: how far each kind of op gets in each dtype."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from ..instruments.protocol import cells

STEPS = cells.STEPS
NEEDS = cells.NEEDS
OPS = cells.OPS
"""By dialect."""
DTYPES = ("int8", "int4", "uint4", "int2", "int1", "bool")


_BY_SIGNAL = re.compile(r"^the process died \(SIG\w+\)$")


@dataclass(frozen=True)
class Step:
    """One step of a cell. `ok` None: not tried, and `message` says why.

    `where` is the innermost pass and the line of TVM it came from; `detail` all that was said.
    """

    name: str
    ok: bool | None
    message: str = ""
    where: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Cell:
    """A kind of op in a dtype, and how each of STEPS went."""

    op: str
    dtype: str
    steps: list[Step]

    @property
    def blockers(self) -> list[Step]:
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


@dataclass
class Matrix:
    """The cells that were asked for and are done, op by op.

    `facts`: command, toolchain, python, tvm_version, mcpu, created, tool_version, seconds.
    """

    ops: list[str]
    dtypes: list[str]
    cells: list[Cell] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def cell(self, op: str, dtype: str) -> Cell | None:
        """The cell, None if it was not run."""
        return next((c for c in self.cells if (c.op, c.dtype) == (op, dtype)), None)

    def of_dtype(self, dtype: str) -> list[Cell]:
        """The cells of a dtype that were run."""
        return [cell for cell in self.cells if cell.dtype == dtype]

    def to_json(self) -> dict[str, Any]:
        """The object that matrix.json holds."""
        cells = [
            {**asdict(cell), "reached": cell.reached, "stopped_at": cell.stopped_at}
            for cell in self.cells
        ]
        return {**self.facts, "ops": self.ops, "dtypes": self.dtypes, "cells": cells}


@dataclass(frozen=True)
class Blocker:
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
    found = [Blocker(*key, places.get(key, []), names) for key, names in ops.items()]
    return sorted(found, key=lambda b: (STEPS.index(b.step), -len(b.ops)))


def is_integer(dtype: str) -> bool:
    """Is it a dtype that a cell can be run in?"""
    return re.fullmatch(r"bool|u?int[1-9]\d?", dtype) is not None
