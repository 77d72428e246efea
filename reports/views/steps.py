"""All steps of all compiles of a page, as the viewer in it reads them (viewer/store.js).

What is the same in two steps, or two compiles, is written once: a module is the changes to the one
before, and its rows are numbers in one list. So the size grows with what changed.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from rapidfuzz.distance import Indel

from tvmq_diag.history import lineage, notes, steps
from tvmq_diag.history.lineage import Lineage
from tvmq_diag.history.notes import Note
from tvmq_diag.history.rows import Row, Rows
from tvmq_diag.history.steps import Step
from tvmq_diag.measurements.benchmark import Kernel
from tvmq_diag.measurements.numerics import Numerics
from tvmq_diag.results.verdict import Verdict
from tvmq_diag.trace.trace import Trace

from ..formatting import clip, printable
from .kept import Kept
from .module_texts import Texts

Edit = int | list[int]
"""Of a module's ops: so many stay as they were (positive), are gone (negative), or these are new,
as line, row, line, row…"""

CHANGED, FAILED, LOWERED, TAKEN = 1, 2, 4, 8


class StepData(msgspec.Struct, array_like=True):
    """A step: `flags` of CHANGED, FAILED, LOWERED, TAKEN; `ms` it took, None of what did not end;
    `count` lowered functions it worked on, and is known to have changed those `functions`: numbers
    of `Steps.functions`."""

    name: str
    stage: str
    ms: float | None
    flags: int
    count: int
    functions: list[int] = []


class CompileData(msgspec.Struct):
    """A compile: its steps, and the modules that differ from the one before, as edits of it.

    `message` is what its verdict says, and the knob; `born` has, for a line that began behind the
    model, those that it stands in for; `refused` is the step and the place in its module of the op
    that it was refused at; `notes` what else is known of a line.
    """

    name: str
    key: str
    outcome: str
    message: str
    dialect: str
    steps: list[StepData]
    modules: list[tuple[int, list[Edit]]]
    born: dict[int, tuple[int, ...]]
    refused: tuple[int, int] | None = None
    notes: dict[int, Note] = {}


class PairData(msgspec.Struct, array_like=True):
    """A step of the compile before and one of that now, by number, None where only one has it.

    `differs`: do the modules behind them; of passes on lowered functions, what they did to those?
    `fresh`: in another way than before them?
    """

    old: int | None
    new: int | None
    differs: bool
    fresh: bool = True


class BesideData(msgspec.Struct):
    """A configuration in two runs: its compiles as numbers of `Steps.compiles`, their steps in
    pairs, and the pair at which they first differ, None where they do not."""

    name: str
    key: str
    old: int
    new: int
    pairs: list[PairData]
    opens: int | None = None


@dataclass
class Steps:
    """Collects compiles, and writes them as one text."""

    rows: dict[Row, int] = field(default_factory=dict)
    functions: dict[tuple[str, ...], int] = field(default_factory=dict)
    compiles: list[CompileData] = field(default_factory=list)
    beside: list[BesideData] = field(default_factory=list)
    """Which of them stand beside each other; a page of one run has none of these."""
    texts: Texts | None = None
    """Where the modules' texts go, if they are wanted too."""
    kept: Kept = field(default_factory=Kept)
    """From when the same page was written before."""

    def add(
        self,
        name: str,
        key: str,
        verdict: Verdict,
        trace: Trace,
        numerics: Numerics | None = None,
        kernels: Sequence[Kernel] = (),
    ) -> CompileData:
        """Add a compile; `name` and `key` are its configuration, and its section on the page."""
        compiled = self.followed(trace)
        return self.add_followed(name, key, verdict, trace, compiled, numerics, kernels)

    def followed(self, trace: Trace) -> tuple[list[Step], Lineage]:
        """The steps of a compile, and its ops followed through them."""
        passed = steps.steps(trace)
        return passed, self.kept.of(
            trace, "lineage", lambda: lineage.lineage(trace, passed, self.kept.graphs)
        )

    def add_followed(
        self,
        name: str,
        key: str,
        verdict: Verdict,
        trace: Trace,
        compiled: tuple[list[Step], Lineage],
        numerics: Numerics | None = None,
        kernels: Sequence[Kernel] = (),
    ) -> CompileData:
        """Add a compile of which the steps and lines are known."""
        passed, followed = compiled
        rows = Rows(trace.facts.qconfig, self.rows)
        data = CompileData(
            name=name,
            key=key,
            outcome=verdict.outcome,
            message=clip(" ".join(filter(None, (verdict.message, verdict.knob))), 300),
            dialect=trace.vocabulary.dialect,
            steps=[self._step(trace, step) for step in passed],
            modules=list(_modules(followed, rows)),
            born=followed.come_from,
            refused=_refused(trace, passed, followed),
            notes=notes.notes(trace, passed, followed, numerics, kernels),
        )
        self.compiles.append(data)
        if self.texts is not None:
            self.texts.add(key, trace, followed, len(passed))
        return data

    def text(self) -> str:
        """All of it: JSON, deflated, as base64."""
        content = {
            "rows": list(self.rows),
            "functions": list(self.functions),
            "compiles": self.compiles,
            "beside": self.beside,
        }
        plain = printable(msgspec.json.encode(content).decode("utf-8"), 1 << 30)
        return base64.b64encode(zlib.compress(plain.encode("utf-8"), 9)).decode("ascii")

    def _step(self, trace: Trace, step: Step) -> StepData:
        lowered = step.lowered(trace) if step.module is None else []
        flags = CHANGED * step.changed | FAILED * step.failed | LOWERED * bool(lowered)
        flags |= TAKEN * step.kept
        changed = {
            self.functions.setdefault((function.name, *function.params), len(self.functions)): None
            for function in (step.rewritten(trace) if lowered else ())
        }
        ms = None if step.ms is None else round(step.ms, 3)
        count = len({function.name for function, _ in lowered})
        return StepData(step.name, step.stage, ms, flags, count, list(changed))


def _modules(followed: Lineage, rows: Rows) -> list[tuple[int, list[Edit]]]:
    before: list[tuple[int, int]] = []
    modules = []
    for module in followed.modules:
        now = list(zip(module.lines, rows.of(module), strict=True))
        modules.append((module.step, list(_edits(before, now))))
        before = now
    return modules


def _edits(before: list[tuple[int, int]], now: list[tuple[int, int]]) -> list[Edit]:
    edits: list[Edit] = []
    for block in Indel.opcodes(before, now):
        if block.tag == "equal":
            edits.append(block.src_end - block.src_start)
            continue
        if block.src_end > block.src_start:
            edits.append(block.src_start - block.src_end)
        fresh = now[block.dest_start : block.dest_end]
        if fresh:
            edits.append([number for pair in fresh for number in pair])
    return edits


def _refused(trace: Trace, passed: list[Step], followed: Lineage) -> tuple[int, int] | None:
    blamed, failing = trace.blamed(), trace.failing_snapshot()
    if blamed is None or failing is None or not passed:
        return None
    given = [
        module.step for module in followed.modules if passed[module.step].module == failing.number
    ]
    if not given:
        return None
    # Where it failed in no pass, it is what the last pass before left behind that was refused.
    return len(passed) - 1 if passed[-1].failed else given[-1], blamed[0]
