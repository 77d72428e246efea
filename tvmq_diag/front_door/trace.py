"""A trace, as a person asks about it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from ..analysis import coverage, judge, recording
from ..analysis.coverage import Coverage
from ..errors import UsageError
from ..history.story import Story
from ..results import run
from ..results.verdict import OpRef, Verdict
from ..trace import reader, trace
from ..trace.facts import TraceFacts
from ..trace.snapshot import Snapshot
from ..trace.stages import STAGES
from ..trace.trace import PassRun
from .step import Step
from .timeline import Timeline


@dataclass(frozen=True, repr=False, eq=False)
class Trace:
    """One compile: its passes, and the module wherever it changed. In a notebook it shows its
    verdict."""

    recorded: trace.Trace
    """The plain data: with the failure, its map of ops, the time in each stage, …"""
    verdict: Verdict | None = None
    """Of a trace in a run: what that came to."""

    @classmethod
    def load(cls, path: str | Path) -> Trace:
        """The trace in a folder, complete or not.

        Raises UsageError when there is none, or a newer tvmq_diag wrote it.
        """
        return cls(reader.load(Path(path).expanduser()))

    @property
    def path(self) -> Path:
        """The folder it was loaded from."""
        return self.recorded.path

    @property
    def facts(self) -> TraceFacts:
        """What was written down about the compile: time, target, qconfig, versions, inputs, …

        `extra` has what `QuantizeTrace.facts()` was given.
        """
        return self.recorded.facts

    @property
    def complete(self) -> bool:
        """Was it closed? False where the process died, or is still at it."""
        return self.recorded.ended

    @property
    def stages(self) -> list[str]:
        """The stages that the compile came to, in order, the last one perhaps not to its end."""
        return list(self.recorded.stages)

    @property
    def problems(self) -> list[str]:
        """What of the trace could not be read, in words; empty where all could."""
        return list(self.recorded.problems)

    def passes(self, stage: str | None = None, name: str | None = None) -> list[PassRun]:
        """The passes that ran, in the order in which they began; of one stage, or of one name.

        Each has `name`, `stage`, `ms` (milliseconds without the recorder's own; None where it did
        not end), `changed`, `raised`, `path` (names from the outermost pass down), `children`.

        Raises UsageError for a stage that no compile has.
        """
        if stage is not None and stage not in STAGES:
            raise UsageError(f"there is no stage {stage!r}: stages are {', '.join(STAGES)}")
        return [
            run
            for run in self.recorded.pass_runs.values()
            if stage in (None, run.stage) and name in (None, run.name)
        ]

    @property
    def failing_pass(self) -> PassRun | None:
        """The pass to blame, as in the verdict: the innermost that is more than a list of passes.

        None where nothing failed, or what failed was in no pass.
        """
        return self.recorded.blamed_pass

    @property
    def failing_op(self) -> OpRef | None:
        """The op that the failure comes from; its index is one of `failing_module.executed()`.

        None where nothing failed, or the op was not found.
        """
        return judge.blamed_op(self.recorded)

    @property
    def failing_module(self) -> Snapshot | None:
        """The module that failed: as the failing pass was given it. None where nothing failed."""
        return self.recorded.failing_snapshot()

    @property
    def imported(self) -> Snapshot | None:
        """The module as it was imported; None where the import did not come to its end."""
        return self.recorded.imported()

    def module_before(self, which: str | PassRun) -> Snapshot | None:
        """The module that a pass was given: one of `passes()`, or the last to run of that name.

        Its `calls` are the operator calls, each with `op`, `dtype` and `shape` of the result and
        the rows of `nodes` that it reads. None where no such pass ran or no module was recorded.
        """
        return self._newest(which, after=False)

    def module_after(self, which: str | PassRun) -> Snapshot | None:
        """The module that a pass handed on, as `module_before`; None also where it raised."""
        return self._newest(which, after=True)

    def dtype_timeline(self) -> Timeline:
        """The dtypes of each op that a person knows from the model, stage by stage.

        `rows` are the ops in model order, each with a cell by stage; empty without any module. In a
        notebook it shows a table.
        """
        return Timeline.of(self.recorded)

    @property
    def steps(self) -> list[str]:
        """The steps of the compile by name: the model itself, then its passes in order of ending.

        The second of a name is called `FoldConstant#2`. Lists of passes and type inference are part
        of other steps.
        """
        return list(self._story.names)

    def step(self, name: str | None = None) -> Step:
        """A step by name: its ops, and the difference to the step before.

        None: the one that failed, else the last in which the quantization shows.

        Raises UsageError for a step that there is not; its message lists those there are.
        """
        if name is not None:
            return Step(self._story, self._story.find(name))
        number = self._story.telling()
        if number is None:
            raise UsageError(f"no module was recorded in {self.path}")
        return Step(self._story, number)

    @functools.cached_property
    def _story(self) -> Story:
        return Story(self.recorded)

    def coverage(self) -> Coverage:
        """Ops, multiply-accumulates and bytes of weights by dtype after each stage up to fold.

        `share` is the share of the multiply-accumulates (0 to 1) that is quantized in the end, None
        where the compile did not come to realize. A model that arrives quantized is so from import.
        """
        return coverage.coverage(self.recorded)

    def _newest(self, which: str | PassRun, after: bool) -> Snapshot | None:
        runs = self.passes(name=which) if isinstance(which, str) else [which]
        modules = (self.recorded.snapshot(run.after if after else run.before) for run in runs[::-1])
        return next((module for module in modules if module is not None), None)

    def __repr__(self) -> str:
        state = f"{len(self.recorded.pass_runs)} passes"
        if self.failing_pass is not None:
            state += f", failed in {self.failing_pass.name}"
        elif self.failing_op is not None:
            state += ", failed"
        elif not self.complete:
            state += ", not closed"
        if self.failing_op is not None:
            state += f" at {self.failing_op.name} (op #{self.failing_op.index})"
        return f"<Trace {self.path}: {state}>"

    def _repr_html_(self) -> str:
        from ..reports.pages import notebook

        judged = self.verdict or recording.judged(self.recorded)
        return notebook.fragment([run.Result(judged, run.Role.REQUESTED, self.recorded)])
