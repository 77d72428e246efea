"""The pass tree of a trace, folded until it fits a page.

A ResNet-50 build runs 2,600 passes, most of them the same thirty for each lowered function. Passes
of one name under one parent become one line; so do all passes that constant folding runs. A pass
on the failing path always keeps a line of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tvmq_diag.trace.snapshot import Snapshot
from tvmq_diag.trace.stages import FOLDING, SEQUENCE, TYPE_ONLY
from tvmq_diag.trace.trace import PassRun, Trace

from ..formatting import DASH, KEPT, duration

_FEW = 40
"""Up to so many passes under a parent, only neighbours of one name share a line (type inference,
which comes after every other pass, has one line in any case)."""


@dataclass
class PassLine:
    """A line of the pass tree: one pass, or `count` of one name."""

    name: str
    stage: str
    depth: int
    runs: list[PassRun]
    ms: float | None
    changed: int = 0
    failing: bool = False
    note: str | None = None
    children: list[PassLine] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many passes the line stands for."""
        return len(self.runs)

    @property
    def time(self) -> str:
        """Its time, or why there is none."""
        run = self.runs[0]
        if self.ms is not None:
            return f"{duration(self.ms)} {KEPT}" if run.kept else duration(self.ms)
        return "raised" if run.raised else "never ended" if run.open else DASH

    def walk(self) -> Iterator[PassLine]:
        """This line and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass
class PassChange:
    """A line that changed the module, and how the op table changed if it has one."""

    line: PassLine
    effect: str


def tree(trace: Trace) -> list[PassLine]:
    """The pass tree from its roots."""
    failing = {run.number for run in trace.failing_path}
    return _lines(trace.roots, failing, 0, merge=False)


def changes(trace: Trace, roots: list[PassLine]) -> tuple[list[PassChange], list[PassChange]]:
    """What changed a module, in order, the failing pass first: on operators, on lowered functions.

    Lists of passes are left out, and so are passes whose children did all of it.
    """
    relay: list[PassChange] = []
    lowered: list[PassChange] = []
    for line in (below for root in roots for below in root.walk()):
        if not line.changed and not _culprit(line):
            continue
        if line.name == SEQUENCE:
            continue
        change = PassChange(line, _effect(trace, line))
        # Where it failed is the first thing to look at, whatever kind of pass it is.
        first = _culprit(line) or _has_table(trace, line)
        (relay if first else lowered).append(change)
    relay.sort(key=lambda change: not _culprit(change.line))
    return relay, lowered


def _lines(runs: list[PassRun], failing: set[int], depth: int, merge: bool) -> list[PassLine]:
    merge = merge or sum(run.name != TYPE_ONLY for run in runs) > _FEW
    groups: dict[tuple[object, ...], list[PassRun]] = {}
    turn = 0
    previous: tuple[object, ...] | None = None
    for run in runs:
        if run.number in failing:
            groups[run.number,] = [run]
            previous = None
            continue
        key = _kind(run)
        if key != previous and run.name != TYPE_ONLY:
            turn += 1
            previous = key
        together = merge or run.name == TYPE_ONLY
        groups.setdefault(key if together else (*key, turn), []).append(run)
    return [_line(group, failing, depth) for group in groups.values()]


def _kind(run: PassRun) -> tuple[object, ...]:
    """What passes must share to share a line: two lists of other passes do not."""
    if run.name == FOLDING:
        return run.name, run.stage
    return run.name, run.stage, frozenset(child.name for child in run.children) - {TYPE_ONLY}


def _line(runs: list[PassRun], failing: set[int], depth: int) -> PassLine:
    first = runs[0]
    times = [run.ms for run in runs if run.ms is not None]
    # That types were filled in is no change that tells anybody anything.
    changed = 0 if first.name == TYPE_ONLY else sum(run.changed for run in runs)
    ms = sum(times) if times else None
    line = PassLine(first.name, first.stage, depth, runs, ms, changed, first.number in failing)
    children = [child for run in runs for child in run.children]
    if first.name == FOLDING and (children or first.inside):
        line.note = _folded(runs, children)
        children = [child for child in children if child.number in failing]
    line.children = _lines(children, failing, depth + 1, merge=len(runs) > 1)
    return line


def _folded(runs: list[PassRun], children: list[PassRun]) -> str:
    """What it ran inside: passes on record, on Relax passes that were only counted."""
    count = sum(1 for child in children for _ in child.walk()) + sum(run.inside for run in runs)
    noun = "pass" if count == 1 else "passes"
    counted = f"{count:,} {noun} run by constant folding"
    if not children:
        return counted
    return f"{counted}, {duration(sum(child.ms or 0.0 for child in children))}"


def _culprit(line: PassLine) -> bool:
    """Is it where the failing path ends?"""
    return line.failing and not any(child.failing for child in line.children)


def _has_table(trace: Trace, line: PassLine) -> bool:
    before = line.runs[0].before
    written = trace.tables.get(before) if before is not None else None
    return written is None or written.table is not None


def _effect(trace: Trace, line: PassLine) -> str:
    if _culprit(line):
        return "failed here"
    if line.count > 1:
        return f"{line.changed} of {line.count} changed it"
    run = line.runs[0]
    before, after = trace.snapshot(run.before), trace.snapshot(run.after)
    if before is None or after is None or not before.nodes or not after.nodes:
        return "changed"
    effects = []
    if len(before.calls) != len(after.calls):
        effects.append(f"{len(before.calls)} → {len(after.calls)} calls")
    types = _types(before), _types(after)
    if set(types[0]) != set(types[1]) and types[0]:
        effects.append(dtypes_of(after))
    return "; ".join(effects) or "attributes or constants"


def dtypes_of(snapshot: Snapshot) -> str:
    """How many calls give which dtype, the five most frequent: `30 int8, 12 float32`."""
    counted = _types(snapshot).most_common(5)
    return ", ".join(f"{count} {dtype}" for dtype, count in counted) or "no typed calls"


def _types(snapshot: Snapshot) -> Counter[str]:
    return Counter(call.dtype for call in snapshot.calls if call.dtype is not None)
