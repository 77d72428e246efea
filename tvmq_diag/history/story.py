"""A compile's steps with their modules and rows at hand, and what each step did to the ops.

What a page, a notebook and an export tell of a step is asked for here.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from rapidfuzz.distance import Indel

from ..errors import UsageError
from ..trace.graph import RESULT, Op
from ..trace.stages import STAGES
from ..trace.trace import Trace
from . import lineage, steps
from .lineage import Module
from .rows import Row, Rows
from .steps import Step

SAME, ADDED, REMOVED, CHANGED = " ", "+", "-", "~"


@dataclass(frozen=True)
class OpChange:
    """An op of a step, or one that the step removed, and how it stands to the step before.

    `mark` is SAME, ADDED, REMOVED or CHANGED; `index` its place in running order from 0, of a
    removed one in the module before; `before` is the row that a changed one had.
    """

    mark: str
    index: int
    line: int
    row: Row
    before: Row | None = None


class Story:
    """A compile step by step. What cannot be read of it is in the trace's `problems`."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.steps: list[Step] = steps.steps(trace)
        self._known: dict[Row, int] = {}
        self._rows = Rows(trace.facts.qconfig, self._known)

    @functools.cached_property
    def lineage(self) -> lineage.Lineage:
        """The modules, and the lines of their ops."""
        return lineage.lineage(self.trace, self.steps)

    @functools.cached_property
    def names(self) -> list[str]:
        """What each step is called: its pass, from the second of that name on with `#2`, `#3`, …"""
        seen: dict[str, int] = {}
        names = []
        for step in self.steps:
            seen[step.name] = seen.get(step.name, 0) + 1
            times = seen[step.name]
            names.append(step.name if times == 1 else f"{step.name}#{times}")
        return names

    def find(self, name: str) -> int:
        """The number of a step by what it is called, its first of that name; `FoldConstant#2` is
        the second.

        Raises UsageError, which lists those that changed something.
        """
        wanted = re.sub(r"#1$", "", name)
        if wanted in self.names:
            return self.names.index(wanted)
        pairs = zip(self.names, self.steps, strict=True)
        known = [called for called, step in pairs if step.changed or step.failed]
        raise UsageError(
            f"there is no step {name!r} in {self.trace.path}: it has {', '.join(known) or 'none'}"
        )

    def telling(self) -> int | None:
        """The step that shows the quantization: the one that failed, else the last up to fold that
        has a module of operators; None where none has one."""
        modules = [module.step for module in self.lineage.modules]
        if self.steps and self.steps[-1].failed and modules:
            return len(self.steps) - 1
        early = [
            number
            for number in modules
            if self.steps[number].stage in STAGES[: STAGES.index("fold") + 1]
        ]
        return next(reversed(early or modules), None)

    def module(self, number: int) -> Module | None:
        """The module behind a step, of one that failed the one that it was given."""
        return self.lineage.at(number)

    def before(self, number: int) -> Module | None:
        """The module that a step was given; None of the model itself."""
        return self.lineage.at(number - 1) if number else None

    def rows(self, module: Module) -> list[Row]:
        """The rows of a module, in running order."""
        numbers = self._rows.of(module)
        known = list(self._known)
        return [known[number] for number in numbers]

    def changes(self, number: int) -> list[OpChange]:
        """All ops of a step in running order, those that it removed where they stood.

        The model itself, and a step that failed, change nothing.
        """
        module, before = self.module(number), self.before(number)
        if module is None:
            return []
        now = [
            OpChange(SAME, index, line, row)
            for index, (line, row) in enumerate(zip(module.lines, self.rows(module), strict=True))
        ]
        if before is None or before is module:
            return now
        past = [
            OpChange(REMOVED, index, line, row)
            for index, (line, row) in enumerate(zip(before.lines, self.rows(before), strict=True))
        ]
        return _merged(past, now)

    def refused(self, number: int) -> int | None:
        """Which op of a step the compile was refused at; None where it was not, or at none."""
        blamed, failing = self.trace.blamed(), self.trace.failing_snapshot()
        module = self.module(number)
        if blamed is None or failing is None or module is None or not self.steps[number].failed:
            return None
        given = self.steps[number].module == failing.number
        return blamed[0] if given else None


def of_model(module: Module) -> list[tuple[int, Op]]:
    """The ops of a module with their lines, without what only hands its results back."""
    return [(line, op) for line, op in module.ops if op.name != RESULT]


def _merged(past: list[OpChange], now: list[OpChange]) -> list[OpChange]:
    """What was and what is, in one order. A line in both that only moved is no change by itself."""
    was = {op.line: op.row for op in past}
    lines = {op.line for op in now}
    merged: list[OpChange] = []
    for block in Indel.opcodes([op.line for op in past], [op.line for op in now]):
        if block.tag != "equal":
            gone = past[block.src_start : block.src_end]
            merged += [op for op in gone if op.line not in lines]
        for op in now[block.dest_start : block.dest_end]:
            old = was.get(op.line)
            mark = ADDED if old is None else SAME if old == op.row else CHANGED
            merged.append(
                OpChange(mark, op.index, op.line, op.row, old if mark == CHANGED else None)
            )
    return merged
