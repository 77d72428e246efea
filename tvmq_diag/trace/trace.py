"""What a trace is: the passes of one compile as a tree, and the module where it changed.

The only interface between the two halves of the project: built from the files that
`instruments` leaves behind, on a machine that needs no TVM.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import msgspec

from .. import foreign
from . import ops, snapshot
from .events import Taken, Warned, Written
from .facts import TraceFacts
from .failure import Blame, Culprit, Failure, RejectionMap, Smallest
from .snapshot import Node, Snapshot
from .stages import FOLDING, SEQUENCE, WRAPPERS


class PassRun(msgspec.Struct, eq=False, dict=True):
    """One execution of a pass. Times are milliseconds since the journal began.

    `before` and `after` are snapshot numbers; None where no snapshot was taken. `entry` and `own`
    are the recorder's own time before the pass began and before it ended.
    """

    number: int
    name: str
    stage: str
    begin: float
    parent: PassRun | None = None
    end: float | None = None
    before: int | None = None
    after: int | None = None
    raised: bool = False
    kept: bool = False
    """Did another process run it, and this one go on with what it had made? Then its times are of
    that one."""
    entry: float = 0.0
    own: float = 0.0
    children: list[PassRun] = []
    inside: int = 0
    """Passes inside it that were only counted: constant folding compiles what it folds."""

    def __repr__(self) -> str:
        took = "raised" if self.raised else "not ended" if self.ms is None else f"{self.ms:.2f} ms"
        return f"<PassRun {self.number} {self.name} ({self.stage}): {took}>"

    @property
    def open(self) -> bool:
        """Had it begun and not ended when the journal ended?"""
        return self.end is None and not self.raised

    @property
    def changed(self) -> bool:
        """Did it hand on another module than it was given?"""
        return None not in (self.before, self.after) and self.before != self.after

    @property
    def ms(self) -> float | None:
        """How long it took, without the time the recorder itself took meanwhile."""
        if self.end is None:
            return None
        inside = self.own + sum(child.recording for child in self.children)
        return max(0.0, self.end - self.begin - inside)

    @property
    def path(self) -> list[str]:
        """Names of the passes around it and its own, outermost first."""
        return [*(self.parent.path if self.parent else []), self.name]

    @property
    def is_wrapper(self) -> bool:
        """Is it a list of passes, or the type inference of another: nothing by itself?"""
        return self.name in WRAPPERS

    @property
    def folded(self) -> bool:
        """Did it run inside constant folding, on what that compiles and no part of the model?"""
        return FOLDING in self.path[:-1]

    @property
    def owner(self) -> PassRun:
        """The pass that its work belongs to: of a wrapper the innermost around it that is none.

        Itself where there is no such pass.
        """
        run: PassRun | None = self
        while run is not None and run.is_wrapper:
            run = run.parent
        return run or self

    def walk(self) -> Iterator[PassRun]:
        """This pass and all inside it, in order of beginning."""
        yield self
        for child in self.children:
            yield from child.walk()

    @functools.cached_property
    def recording(self) -> float:
        """The recorder's own time for this pass and all inside it, ms."""
        return self.entry + self.own + sum(child.recording for child in self.children)


class Trace(msgspec.Struct, eq=False):
    """One compile: its passes in `pass_runs` by number, in the order in which they began."""

    path: Path
    facts: TraceFacts = msgspec.field(default_factory=TraceFacts)
    pass_runs: dict[int, PassRun] = {}
    stage: str | None = None
    stages: list[str] = []
    spent: dict[str, float] = {}
    """Milliseconds on the clock in each stage, up to the failure if there is one."""
    failure: Failure | None = None
    unwound: list[PassRun] = []
    """The passes that the newest exception came through, outermost first, if none ran since."""
    text: str | None = None
    """Relative path of the failing module's own text, as TVM prints it."""
    taken: list[Taken] = []
    """Stages whose result came from another process, with their passes."""
    compiling: int | None = None
    """The snapshot of the module that was handed to the compiler, once that had begun."""
    blame: Blame | None = None
    culprit: Culprit | None = None
    """What handed on what the blamed op could not take."""
    knobs: list[str] | None = None
    """The fields that cause the failure by themselves; None where the replay could not tell."""
    smallest: Smallest | None = None
    map: RejectionMap | None = None
    skipped: dict[str, str] = {}
    """Analyses of the failure that could not be made (op, survey, smallest, map), with the reason.
    """
    investigated: bool = False
    """Was the failure looked into once more, after its compile had ended?"""
    outputs: str | None = None
    inputs: int | None = None
    """How many inputs the outputs are of, with an axis for them; None for one, without."""
    deterministic: bool | None = None
    kernel_code: str | None = None
    """Relative path of what was kept of the machine code: see measurements.kernel_code."""
    warnings: list[Warned] = []
    """What TVM warned of: its Python as it ran, then its C++, as the process printed it."""
    faults: list[str] = []
    problems: list[str] = []
    ended: bool = False
    tables: dict[int, Written] = {}
    """What the journal says of each snapshot, by its number."""
    _snapshots: dict[int, Snapshot] = {}

    @property
    def began(self) -> bool:
        """Did the process come so far as to say what it does?"""
        return self.facts != TraceFacts()

    @property
    def roots(self) -> list[PassRun]:
        """The passes that ran inside no other, in order."""
        return [run for run in self.pass_runs.values() if run.parent is None]

    @property
    def failing_place(self) -> int:
        """Where the failing pass stands among the passes after import, from 1; 0 outside any.

        Constant folding compiles what it folds, and another pass inside it each time: it counts.
        """
        path = self.blamed_path
        if not path:
            return 0
        runs = self.pass_runs.values()
        return sum(run.stage != "import" and run.number <= path[-1].number for run in runs)

    @property
    def fails_in_compiling(self) -> bool:
        """Did it fail in no pass that has a graph, while code was generated or run?"""
        on_record = self.compiling is not None and (self.failure is not None or not self.ended)
        return on_record and self._innermost() is None

    @property
    def vocabulary(self) -> ops.Vocabulary:
        """What its dialect calls operators."""
        return ops.of_dialect(self.facts.dialect)

    @property
    def can_replay(self) -> bool:
        """Is there a failing pass to come back to, or a failing compile?"""
        return self.failing_place > 0 or self.fails_in_compiling

    @property
    def failing_path(self) -> list[PassRun]:
        """The passes a failure came through or a dead process was in, outermost first."""
        if self.failure is not None:
            return [
                self.pass_runs[number] for number in self.failure.passes if number in self.pass_runs
            ]
        still_open = [run for run in self.pass_runs.values() if run.open]
        return still_open or ([] if self.ended else self.unwound)

    @property
    def blamed_path(self) -> list[PassRun]:
        """The failing path down to constant folding, if it goes through it: what fails below is
        what that compiles, each time something else."""
        path = self.failing_path
        depth = next((i for i, run in enumerate(path) if run.name == FOLDING), len(path))
        return path[: depth + 1]

    @property
    def blamed_pass(self) -> PassRun | None:
        """The innermost pass of the blamed path that is no wrapper, or else the innermost.

        None for an empty path.
        """
        path = self.blamed_path
        own = [run for run in path if not run.is_wrapper]
        return next(reversed(own or path), None)

    @property
    def failing_stage(self) -> str | None:
        """The stage of the innermost failing pass; where it failed in none, the compile's."""
        path = self.failing_path
        if path:
            return path[-1].stage
        return self.stage if self.failure is None else self.failure.stage

    def snapshot(self, number: int | None) -> Snapshot | None:
        """The snapshot with this number; None if there is none or its file is gone or damaged."""
        written = self.tables.get(number) if number is not None else None
        if written is None or number is None:
            return None
        if number not in self._snapshots:
            self._snapshots[number] = self._load(number, written)
        return self._snapshots[number]

    def imported(self) -> Snapshot | None:
        """The model as imported: what the first pass after import was given, typed if possible."""
        runs = (run for run in self.pass_runs.values() if run.stage != "import")
        snapshots = (self.snapshot(run.before) for run in runs)
        first = next((s for s in snapshots if s is not None and s.nodes), None)
        if first is None:
            return None
        # Binding the parameters loses the types; the next snapshot is the same module, typed.
        typed = self.snapshot(first.number + 1)
        return typed if typed is not None and len(typed.nodes) == len(first.nodes) else first

    def failing_snapshot(self) -> Snapshot | None:
        """The module that failed: before the innermost failing pass that has a graph, or, where it
        failed in none, the one that was handed to the compiler."""
        if self.blame is not None and self.blame.snapshot is not None:
            return self.snapshot(self.blame.snapshot)
        return self.snapshot(self.compiling) if self.fails_in_compiling else self._innermost()

    def _innermost(self) -> Snapshot | None:
        for run in reversed(self.failing_path):
            snapshot = self.snapshot(run.before)
            if snapshot is not None and snapshot.nodes:
                return snapshot
        return None

    def blamed(self) -> tuple[int, Node] | None:
        """The op a failure comes from, and which one it is in running order (0 is the first)."""
        failing = self.failing_snapshot()
        if self.blame is None or failing is None:
            return None
        row = self.blame.row
        matches = ((i, node) for i, node in enumerate(failing.executed()) if node.number == row)
        return next(matches, None)

    def modules_of(self, stage: str) -> Iterator[Snapshot]:
        """The modules with Relay ops that the passes of this stage left behind, newest first."""
        runs = [
            run
            for run in self.pass_runs.values()
            if run.stage == stage and run.end is not None and run.name != SEQUENCE
        ]
        for run in sorted(runs, key=lambda run: run.end or 0.0, reverse=True):
            snapshot = self.snapshot(run.after)
            if snapshot is not None and snapshot.nodes:
                yield snapshot

    def parameters(self, name: str) -> tuple[str, ...]:
        """The dtypes of a lowered function's parameters, by its name; empty for one that no pass
        had, or only with its parameters packed (then they are handles)."""
        functions = (f for written in self.tables.values() for f in written.primfuncs)
        named = (f.params for f in functions if f.name == name and "handle" not in f.params)
        return next(named, ())

    def _load(self, number: int, written: Written) -> Snapshot:
        if written.table is None:
            return Snapshot(number, (), written.primfuncs, self.vocabulary)
        try:
            table = snapshot.table(foreign.read(self.path, written.table))
        except (OSError, ValueError):
            self.problems.append(f"snapshot {number} cannot be read")
            return Snapshot(number, (), vocabulary=self.vocabulary)
        if table.damaged:
            problem = f"snapshot {number}: {table.damaged} rows are not as they were written"
            self.problems.append(problem)
        if table.mended:
            problem = (
                f"snapshot {number}: {table.mended} rows read or call what is no row before them"
            )
            self.problems.append(problem)
        return Snapshot(number, table.nodes, vocabulary=self.vocabulary)
