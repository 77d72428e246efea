"""The steps of a compile: its passes in order of ending, each with the module it left behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..trace.events import PrimFunc
from ..trace.trace import PassRun, Trace

MODEL = "the model"
"""What the first step is called: the model as it was imported."""


@dataclass
class Step:
    """A pass, or all passes of one name on the lowered functions of a module.

    `module` is the number of the snapshot that it left behind, of a pass that `failed` the one that
    it was given; None for lowered functions, of which there are no op tables.
    """

    name: str
    stage: str
    runs: list[PassRun] = field(default_factory=list)
    module: int | None = None
    changed: bool = False
    failed: bool = False

    @property
    def ms(self) -> float | None:
        """What its passes took together, in ms; None of what did not end."""
        times = [run.ms for run in self.runs if run.ms is not None]
        return sum(times) if times else None

    @property
    def kept(self) -> bool:
        """Did another process run its passes?"""
        return any(run.kept for run in self.runs)

    def lowered(self, trace: Trace) -> list[tuple[PrimFunc, bool]]:
        """The lowered functions that it worked on, and whether it changed them."""
        functions = []
        for run in self.runs:
            written = trace.tables.get(run.after or 0) or trace.tables.get(run.before or 0)
            functions += [(f, run.changed) for f in (written.primfuncs if written else ())]
        return functions

    def rewritten(self, trace: Trace) -> list[PrimFunc]:
        """Those lowered functions that it is known to have changed.

        None of a pass that had several in one module: which of them changed is not on record.
        """
        changed = [trace.tables.get(run.after or 0) for run in self.runs if run.changed]
        if not self.changed or any(written and len(written.primfuncs) > 1 for written in changed):
            return []
        return [function for written in changed if written for function in written.primfuncs]


def steps(trace: Trace) -> list[Step]:
    """The steps of a compile, the model itself first, the pass that failed last.

    Lists of passes, type inference, and what constant folding compiles are part of other steps.
    """
    imported = trace.imported()
    found = [] if imported is None else [Step(MODEL, "import", [], imported.number, changed=True)]
    lowered: dict[tuple[int | None, str], Step] = {}
    for run in _in_order(trace):
        step = Step(run.name, run.stage, [run], run.after, _changes(run))
        if _is_lowered(trace, run):
            together = lowered.setdefault((_caller(trace, run), run.name), step)
            if together is not step:
                together.runs.append(run)
                together.changed |= run.changed
                continue
            step.module = None
        found.append(step)
    return [*found, *_failed(trace)]


def _in_order(trace: Trace) -> Iterator[PassRun]:
    """The passes that ended, in order of ending."""
    ended = [run for run in trace.pass_runs.values() if run.end is not None and not run.raised]
    for run in sorted(ended, key=lambda run: run.end or 0.0):
        counts = run.stage != "import" and not run.is_wrapper and not run.folded
        if counts and trace.tables.get(run.after or 0) is not None:
            yield run


def _changes(run: PassRun) -> bool:
    """Did it change the module itself, and not only by the passes that it ran?"""
    inside = (below for child in run.children for below in child.walk())
    return run.changed and not any(
        below.changed and below.after == run.after and not below.is_wrapper and not below.folded
        for below in inside
    )


def _is_lowered(trace: Trace, run: PassRun) -> bool:
    written = trace.tables.get(run.after or 0)
    return written is not None and written.table is None


def _caller(trace: Trace, run: PassRun) -> int | None:
    """The pass on operators that a pass on lowered functions runs in."""
    at = run.parent
    while at is not None and (at.is_wrapper or _is_lowered(trace, at)):
        at = at.parent
    return at.number if at is not None else None


def _failed(trace: Trace) -> Iterator[Step]:
    """The pass that failed, with the module that it failed on; none where it failed in no pass."""
    run, module = trace.blamed_pass, trace.failing_snapshot()
    if run is not None and run.end is None:
        number = module.number if module is not None else None
        yield Step(run.name, run.stage, [run], number, changed=True, failed=True)
