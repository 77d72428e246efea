"""Two compiles pass by pass: which passes both ran, and the first whose result differs.

The cheapest comparison comes first. Op tables of the same bytes are the same module, and are not
even parsed; tables that differ in names only are the same too; only of others are the ops aligned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rapidfuzz.distance import Indel

from .. import decoding, foreign
from ..decoding import Damage
from ..trace.graph import Graph
from ..trace.stages import SEQUENCE
from ..trace.trace import PassRun, Trace
from .alignment import align
from .op_diff import Difference, differences, ref
from .sorts import Sort, rank, sorts

SAME, DIFFERENT, ONLY_OLD, ONLY_NEW = "same", "different", "only before", "only now"
HANDED_ON = "handed on"
"""Its results differ as what it was given does: it changed nothing itself in either compile."""
RAISED_OLD, RAISED_NEW, RAISED_BOTH = "failed before", "fails now", "fails in both"

_STATES = {
    ONLY_OLD: "no longer runs",
    ONLY_NEW: "runs now, and did not before",
    RAISED_OLD: "failed{at}, and goes through now",
    RAISED_NEW: "went through, and fails now{at}",
}
"""States of a pass that are a difference by themselves; `{at}` is the op, where it is known."""

_NAMES = ("name", "span")
"""Fields of a table's rows that are no part of the module."""


@dataclass
class PassDelta:
    """A pass of two compiles. `differences` are those of its results.

    Of a pass that only one of them ran, they are what it did to its module. `before`: what it was
    given differs already, although all results up to there are the same.
    """

    name: str
    path: list[str]
    stage: str
    state: str
    differences: list[Difference] = field(default_factory=list)
    before: bool = False
    old: int | None = None
    new: int | None = None
    """The numbers of the snapshots that were compared; of a pass that only one of the compiles ran,
    what it was given and what it made of it."""
    counted: tuple[Mapping[str, int], Mapping[str, int]] = ({}, {})
    """How many ops of each name these two modules have."""
    later: str | None = None
    """Of the first pass that differs: the later one that was looked at for what depends on it, how
    many differences that has, and how many of those depend on each sort, see lasting."""
    left: int = 0
    dependent: list[int] = field(default_factory=list)
    op: str | None = None
    """Of a pass that failed in one of them, the op that the verdict blames: `multiply #4`."""

    @property
    def counts(self) -> dict[str, int]:
        """How many differences of each kind."""
        counted: dict[str, int] = {}
        for difference in self.differences:
            counted[difference.kind] = counted.get(difference.kind, 0) + 1
        return counted

    @property
    def sorts(self) -> list[Sort]:
        """The differences, those of one kind together, what explains the others first."""
        told = sorts(self.differences, self.counted)
        if not self.dependent:
            return told
        counted = [
            replace(sort, dependent=count) for sort, count in zip(told, self.dependent, strict=True)
        ]
        return sorted(counted, key=rank)

    @property
    def differs(self) -> bool:
        """Is anything about it not as it was?"""
        return self.state not in (SAME, RAISED_BOTH, HANDED_ON)

    @property
    def headline(self) -> str:
        """What a person reads first: the pass, and what explains what it did differently."""
        text = _STATES.get(self.state, "").format(at=f" at {self.op}" if self.op else "")
        if self.differences:
            first = self.sorts[0]
            rest = len(self.differences) - len(first.differences)
            text = f"{text} ({first.line}" if text else first.line
            text += f", and {rest} more" if rest else ""
            text += ")" if self.state in _STATES else ""
            text += self._dependent(first)
        name = f"before {self.name}, between the passes" if self.before else self.name
        return f"{name}: {text}"

    def _dependent(self, sort: Sort) -> str:
        """How much of what differs later depends on it, as the end of a sentence; else nothing."""
        if not sort.dependent:
            return ""
        left = f"{self.left} difference{'s' * (self.left > 1)} behind {self.later}"
        depend = "depends" if sort.dependent == 1 else "depend"
        return f"; {sort.dependent} of {left} {depend} on {'it' if sort.single else 'them'}"


class Modules:
    """Compares the modules of two traces; each pair once."""

    def __init__(self, old: Trace, new: Trace) -> None:
        self.old, self.new = old, new
        self._differences: dict[tuple[int | None, int | None], list[Difference]] = {}
        self._graphs: dict[tuple[int, int], Graph | None] = {}

    def differences(self, old: int | None, new: int | None) -> list[Difference]:
        """How two snapshots differ; nothing where one of them was not taken."""
        key = (old, new)
        if key not in self._differences:
            same = None in key or self._same_table(old, new)
            self._differences[key] = [] if same else self._compare(old, new)
        return self._differences[key]

    def effect(self, side: int, run: PassRun) -> list[Difference]:
        """What a pass did to its module; nothing where one of the two modules was not recorded.

        Side 0 is the old trace's, side 1 the new one's.
        """
        given, result = self.graph(side, run.before), self.graph(side, run.after)
        return differences(align(given, result)) if given is not None and result is not None else []

    def counted(self, delta: PassDelta) -> tuple[dict[str, int], dict[str, int]]:
        """How many ops of each name the two modules of a pass have; nothing if none differs."""
        if not delta.differences:
            return {}, {}
        sides = {ONLY_OLD: (0, 0), ONLY_NEW: (1, 1)}.get(delta.state, (0, 1))
        graphs = self.graph(sides[0], delta.old), self.graph(sides[1], delta.new)
        old, new = ([ref(op).op for op in graph.ops] if graph else [] for graph in graphs)
        return dict(Counter(old)), dict(Counter(new))

    def graph(self, side: int, number: int | None) -> Graph | None:
        """The ops of a snapshot of side 0, the old trace, or side 1; None if it has no graph."""
        snapshot = (self.old, self.new)[side].snapshot(number)
        if snapshot is None or number is None or not snapshot.nodes:
            return None
        if (side, number) not in self._graphs:
            try:
                self._graphs[side, number] = Graph(snapshot)
            except (LookupError, TypeError, ValueError, RecursionError):
                (self.old, self.new)[side].problems.append(f"snapshot {number} is damaged")
                self._graphs[side, number] = None
        return self._graphs[side, number]

    def _compare(self, old: int | None, new: int | None) -> list[Difference]:
        ours, theirs = self.graph(0, old), self.graph(1, new)
        if ours is None or theirs is None:
            return []
        return differences(align(ours, theirs))

    def _same_table(self, old: int | None, new: int | None) -> bool:
        ours, theirs = _table(self.old, old), _table(self.new, new)
        if ours is None or theirs is None:
            return False
        return ours == theirs or _nameless(ours) == _nameless(theirs)


def compare(modules: Modules) -> list[PassDelta]:
    """All passes of two compiles side by side, in order of ending, the model itself before them."""
    old, new = steps(modules.old), steps(modules.new)
    passes: list[PassDelta] = [_beginning(modules)]
    agreed = not passes[0].differs
    compared = (passes[0].old, passes[0].new)
    for a, b in _side_by_side(old, new):
        delta = _pass(modules, a, b, agreed)
        delta.counted = modules.counted(delta)
        if delta.state == DIFFERENT and (delta.old, delta.new) == compared:
            delta.state = HANDED_ON
        if delta.differs:
            compared = (delta.old, delta.new)
        agreed = agreed and not delta.differs
        passes.append(delta)
    return passes


def first(passes: list[PassDelta]) -> PassDelta | None:
    """The first pass whose result differs; None if none does."""
    return next((delta for delta in passes if delta.differs), None)


def steps(trace: Trace) -> list[PassRun]:
    """The passes that work on Relay modules, in order of ending; those that failed come last.

    Lists of passes, and type inference, belong to other passes. What constant folding compiles is
    no part of the model.
    """
    runs = [run for run in trace.pass_runs.values() if _counts(trace, run)]
    failing = {run.number for run in trace.failing_path}
    ended = [run for run in runs if run.end is not None]
    stopped = [run for run in runs if run.end is None and run.number in failing]
    # Of nested passes that an exception went through, only the innermost is where it failed.
    return sorted(ended, key=lambda run: run.end or 0.0) + stopped[-1:]


def _counts(trace: Trace, run: PassRun) -> bool:
    if run.stage == "import" or run.is_wrapper or run.folded:
        return False
    number = run.after if run.end is not None else run.before
    return run.end is None or _file(trace, number) is not None


def _beginning(modules: Modules) -> PassDelta:
    """The model itself, before any pass."""
    old, new = _first_module(modules.old), _first_module(modules.new)
    result = modules.differences(old, new)
    state = DIFFERENT if result else SAME
    delta = PassDelta("the model", [], "import", state, result, old=old, new=new)
    delta.counted = modules.counted(delta)
    return delta


def _first_module(trace: Trace) -> int | None:
    imported = trace.imported()
    return imported.number if imported is not None else None


Pair = tuple["PassRun | None", "PassRun | None"]


def _side_by_side(old: list[PassRun], new: list[PassRun]) -> list[Pair]:
    """Align two lists of passes by name. What a compile did not live to see is left out."""
    ours, theirs = _ended(old), _ended(new)
    pairs: list[Pair] = []
    for block in Indel.opcodes([run.name for run in ours], [run.name for run in theirs]):
        here = ours[block.src_start : block.src_end]
        there = theirs[block.dest_start : block.dest_end]
        if block.tag == "equal":
            pairs += zip(here, there, strict=True)
        else:
            pairs += [(run, None) for run in here]
            pairs += [(None, run) for run in there]
    failed = old[len(ours) :], new[len(theirs) :]
    if not any(failed):
        return pairs
    together = max((i + 1 for i, pair in enumerate(pairs) if None not in pair), default=0)
    tail = pairs[together:]
    rest = [a for a, _ in tail if a is not None], [b for _, b in tail if b is not None]
    return pairs[:together] + _to_failure(rest, failed)


def _to_failure(
    rest: tuple[list[PassRun], list[PassRun]], failed: tuple[list[PassRun], list[PassRun]]
) -> list[Pair]:
    """The passes after the last that both ran, where a compile failed in the pass `failed`.

    Where the other went on, its passes after that one have nothing to be compared with.
    """
    if all(failed):
        ended = [_alone(side, run) for side in (0, 1) for run in rest[side]]
        if failed[0][0].name == failed[1][0].name:
            return [*ended, (failed[0][0], failed[1][0])]
        return [*ended, (failed[0][0], None), (None, failed[1][0])]
    side = 0 if failed[0] else 1
    culprit, other = failed[side][0], rest[1 - side]
    place = next((i for i, run in enumerate(other) if run.name == culprit.name), None)
    pairs = [_alone(side, run) for run in rest[side]]
    if place is None:
        return [*pairs, _alone(side, culprit)]
    pairs += [_alone(1 - side, run) for run in other[:place]]
    return [*pairs, (culprit, other[place]) if side == 0 else (other[place], culprit)]


def _alone(side: int, run: PassRun) -> Pair:
    return (run, None) if side == 0 else (None, run)


def _ended(runs: list[PassRun]) -> list[PassRun]:
    return [run for run in runs if run.end is not None]


def _pass(modules: Modules, old: PassRun | None, new: PassRun | None, agreed: bool) -> PassDelta:
    run = new or old
    assert run is not None
    delta = PassDelta(run.name, [n for n in run.path if n != SEQUENCE], run.stage, SAME)
    if old is None or new is None:
        # A pass that changes nothing may come and go.
        if run.changed or run.end is None:
            delta.state = ONLY_NEW if old is None else ONLY_OLD
            delta.old, delta.new = run.before, run.after
            delta.differences = modules.effect(1 if old is None else 0, run) if agreed else []
        return delta
    if old.end is None or new.end is None:
        both = old.end is None and new.end is None
        delta.state = RAISED_BOTH if both else RAISED_OLD if old.end is None else RAISED_NEW
    if agreed:
        delta.differences = modules.differences(old.before, new.before)
        delta.before = bool(delta.differences)
        delta.old, delta.new = old.before, new.before
    if not delta.before and delta.state == SAME:
        delta.old, delta.new = old.after, new.after
        delta.differences = modules.differences(old.after, new.after)
    if delta.differences and delta.state in (SAME, RAISED_BOTH):
        delta.state = DIFFERENT
    return delta


def _table(trace: Trace, number: int | None) -> bytes | None:
    file = _file(trace, number)
    try:
        return foreign.read(trace.path, file) if file is not None else None
    except (OSError, ValueError):
        return None


def _file(trace: Trace, number: int | None) -> str | None:
    """The file of a snapshot's op table; None where it has none."""
    written = trace.tables.get(number) if number is not None else None
    return written.table if written is not None else None


def _nameless(table: bytes) -> Any:
    try:
        rows = decoding.converted(decoding.loose(table, infinite=True), list[dict[str, Any]])
    except Damage:
        return table
    return [{k: v for k, v in row.items() if k not in _NAMES} for row in rows]
