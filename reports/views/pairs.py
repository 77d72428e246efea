"""Two compiles of one configuration beside each other, for the viewer (viewer/pairs.js)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from tvmq_diag.history import beside
from tvmq_diag.history.rows import Row
from tvmq_diag.results.run import Result

from .steps import (
    CHANGED,
    FAILED,
    LOWERED,
    BesideData,
    CompileData,
    Edit,
    PairData,
    StepData,
    Steps,
)

Content = dict[int, Row]
"""What a module says: each of its ops by line, whatever its order."""

Difference = frozenset[tuple[int, Row]]

BEFORE, NOW = "before", "now"


def add(steps: Steps, name: str, key: str, old: Result, new: Result) -> BesideData | None:
    """Add both compiles of a configuration; None where one of them left no modules behind."""
    if old.trace is None or new.trace is None or not (old.trace.tables and new.trace.tables):
        return None
    ours, theirs = (steps.followed(trace) for trace in (old.trace, new.trace))
    both = beside.beside(ours, theirs, steps.kept.graphs)
    data = [
        steps.add_followed(name, f"{key}-{side}", result.verdict, trace, compiled, numerics)
        for side, result, trace, compiled, numerics in (
            (BEFORE, old, old.trace, ours, old.numerics),
            (NOW, new, new.trace, (theirs[0], both.new), new.numerics),
        )
    ]
    pairs = list(_pairs(steps, both.pairs, *data))
    opens = next((number for number, pair in enumerate(pairs) if pair.differs), None)
    count = len(steps.compiles)
    found = BesideData(name, key, count - 2, count - 1, pairs, opens)
    steps.beside.append(found)
    return found


def _pairs(
    steps: Steps, pairs: list[beside.Pair], old: CompileData, new: CompileData
) -> Iterator[PairData]:
    rows = list(steps.rows)
    sides = [list(_behind(data, rows)) for data in (old, new)]
    told: dict[tuple[int, int], Difference] = {}
    before: Difference = frozenset()
    at = [-1, -1]
    for pair in pairs:
        at = [was if step is None else step for was, step in zip(at, pair, strict=True)]
        modules = [side[n] if n >= 0 else None for side, n in zip(sides, at, strict=True)]
        key = id(modules[0]), id(modules[1])
        if key not in told:
            told[key] = _difference(*modules)
        done = [
            None if n is None else data.steps[n] for data, n in zip((old, new), pair, strict=True)
        ]
        lowered = any(one is not None and one.flags & LOWERED for one in done)
        otherwise = _differently(*done)
        differs = (bool(told[key]) and not lowered) or otherwise
        yield PairData(*pair, differs=differs, fresh=otherwise or told[key] != before)
        before = told[key]


def _difference(old: Content | None, new: Content | None) -> Difference:
    """What two modules do not have in common."""
    ours, theirs = (old or {}).items(), (new or {}).items()
    if ours == theirs:
        return frozenset()
    return frozenset(ours ^ theirs)


def _differently(old: StepData | None, new: StepData | None) -> bool:
    """Did one of them fail alone, or do something else to the lowered functions?"""
    if old is None or new is None:
        there = old or new
        return there is not None and bool(
            there.flags & FAILED or (there.count and there.flags & CHANGED)
        )
    return (old.flags & FAILED, old.count, sorted(old.functions)) != (
        new.flags & FAILED,
        new.count,
        sorted(new.functions),
    )


def _behind(data: CompileData, rows: list[Row]) -> Iterator[Content | None]:
    """The module behind each step; None before there is one."""
    content: Content | None = None
    ops: list[tuple[int, int]] = []
    starts = [step for step, _ in data.modules] + [len(data.steps)]
    yield from (None for _ in range(starts[0]))
    for (start, end), (_, edits) in zip(pairwise(starts), data.modules, strict=True):
        ops = list(_edited(ops, edits))
        content = {line: _without_span(rows[row]) for line, row in ops}
        yield from (content for _ in range(start, end))


def _edited(before: list[tuple[int, int]], edits: list[Edit]) -> Iterator[tuple[int, int]]:
    place = 0
    for edit in edits:
        if isinstance(edit, list):
            yield from zip(edit[::2], edit[1::2], strict=True)
        elif edit > 0:
            yield from before[place : place + edit]
            place += edit
        else:
            place -= edit


def _without_span(row: Row) -> Row:
    """Where it stands in the model's source is no part of what an op is."""
    return msgspec.structs.replace(row, span="") if row.span else row
