"""Differences of one kind, told once: how many ops, what became of them, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .op_diff import ADDED, CHANGED, MARKS, REMOVED, Change, Difference, Ref, base_name

FEW = 4
"""Places that the headline of a sort lists."""


@dataclass(frozen=True)
class Sort:
    """Differences of one kind, in running order.

    `total`: how many such ops the module has, the new one or, of what is removed, the old; None
    where ops of several names do not come together. `dependent`: how many differences of a later
    pass depend on it, as far as that was looked at.
    """

    differences: tuple[Difference, ...]
    total: int | None
    dependent: int = 0

    @property
    def single(self) -> bool:
        """Is it one difference?"""
        return len(self.differences) == 1

    @property
    def follows(self) -> bool:
        """Are they differences only in what is read from other ops that differ?"""
        return all(difference.follows for difference in self.differences)

    @property
    def lasts(self) -> bool:
        """Is anything of it left behind later passes, as far as that was looked at?"""
        return any(difference.lasts is not False for difference in self.differences)

    @property
    def line(self) -> str:
        """All of it in one line."""
        return self._line(FEW)

    def marked(self, places: int) -> str:
        """The same with a mark for its kind in front; it lists so many ops at most."""
        return f"{MARKS[self.differences[0].kind]} {self._line(places)}"

    def _line(self, places: int) -> str:
        first, *rest = self.differences
        if not rest:
            return first.line
        if first.kind == CHANGED:
            return f"{self._count} {self._name}: {self._changes}, {self._at(places)}"
        if first.kind in (ADDED, REMOVED):
            what = f"{self._count} {self._name} {first.kind}"
            if self._ops[1:]:
                return f"{what}, {self._at(places)}"
            return f"{first.op}: {what}{self._behind(self._ops[0])}"
        others = self._ops[1:]
        return f"{first.line}; the same at {_some(others, places)}" if others else first.line

    @property
    def _count(self) -> str:
        count = len(self.differences)
        if self.total is None:
            return f"{count} times"
        return f"all {count}" if count == self.total else f"{count} of {self.total}"

    @property
    def _name(self) -> str:
        """What the ops are called; how they differ in what they are for is left out."""
        names = [_names(difference) for difference in self.differences]
        if len(set(names)) > 1:
            names = [tuple(map(base_name, one)) for one in names]
        return ", ".join(names[0])

    @property
    def _changes(self) -> str:
        """What is the same in all of them, and what differs from one to the next."""
        rows = [difference.changes for difference in self.differences]
        if swapped := _swapped(rows[0]):
            return swapped if len(set(rows)) == 1 else f"{swapped} in the first"
        same = [str(column[0]) for column in zip(*rows, strict=True) if len(set(column)) == 1]
        other = [column[0] for column in zip(*rows, strict=True) if len(set(column)) > 1]
        same += [f"another {change.name} ({change.old} -> {change.new} first)" for change in other]
        return ", ".join(same)

    @property
    def _ops(self) -> list[str]:
        return list(dict.fromkeys(str(difference.op) for difference in self.differences))

    def _at(self, places: int) -> str:
        if len(self.differences) == self.total and self.total > places:
            return f"first at {self._ops[0]}"
        ops = self._ops
        if len(ops) <= FEW and self.differences[0].kind != CHANGED:
            ops = [op + self._behind(op).replace(", ", " ", 1) for op in ops]
        return f"at {_some(ops, places)}"

    def _behind(self, op: str) -> str:
        """What the ops read that are read by this one, as the end of a line."""
        at = [one for one in self.differences if str(one.op) == op]
        sources = dict.fromkeys(str(one.source) for one in at if one.source is not None)
        return f", behind {' and '.join(sources)}" if sources else ""


def sorts(
    differences: Sequence[Difference], counted: tuple[Mapping[str, int], Mapping[str, int]]
) -> list[Sort]:
    """Differences by what explains the others: first what lasts, last what merely follows.

    What is of one rank stands in running order. `counted`: how many ops of each name the old and
    the new module have.
    """
    changes: dict[tuple[Any, ...], set[tuple[Change, ...]]] = {}
    for difference in differences:
        changes.setdefault(_kind(difference), set()).add(difference.changes)
    grouped: dict[tuple[Any, ...], list[Difference]] = {}
    for difference in differences:
        kind = _kind(difference)
        # The same change is one sort, whatever the ops are for; another in each is one for each.
        names = _names(difference) if len(changes[kind]) > 1 else ()
        grouped.setdefault((kind, names), []).append(difference)
    told = [Sort(tuple(group), _total(group, counted)) for group in grouped.values()]
    return sorted(told, key=rank)


def rank(sort: Sort) -> tuple[bool, bool, int]:
    """First what lasts, of that what most of the later differences depend on; last what follows."""
    return sort.follows, not sort.lasts, -sort.dependent


def _kind(difference: Difference) -> tuple[Any, ...]:
    """What differences of one sort share. What a changed op is for may be different in each."""
    names = tuple(ref.op for ref in difference.old), tuple(ref.op for ref in difference.new)
    if difference.kind == CHANGED and difference.reader is not None:
        names = tuple(map(base_name, names[0])), tuple(map(base_name, names[1]))
    return difference.kind, names, tuple(change.name for change in difference.changes)


def _refs(difference: Difference) -> tuple[Ref, ...]:
    return difference.new or difference.old


def _names(difference: Difference) -> tuple[str, ...]:
    return tuple(ref.op for ref in _refs(difference))


def _total(
    group: list[Difference], counted: tuple[Mapping[str, int], Mapping[str, int]]
) -> int | None:
    """How many ops of the module have the names of the group's; None unless all have as many."""
    counts = counted[1 if group[0].new else 0]
    named = {_names(difference) for difference in group}
    if len(named) > 1:  # these are single ops, and differ in what they are for
        base = base_name(min(named)[0])
        return sum(count for name, count in counts.items() if base_name(name) == base)
    (names,) = named
    each = {counts.get(name, 0) for name in names}
    return each.pop() if len(each) == 1 and len(set(names)) == len(names) else None


def _swapped(changes: tuple[Change, ...]) -> str:
    """`a and b swapped`, where that is what happened; or else nothing."""
    if len(changes) != 2 or changes[0].old == changes[0].new:
        return ""
    one, other = changes
    if (one.old, one.new) != (other.new, other.old):
        return ""
    return f"{one.name} and {other.name} swapped ({one.old} and {other.old})"


def _some(places: list[str], most: int) -> str:
    if len(places) <= most:
        return ", ".join(places)
    return f"{', '.join(places[:most])} and {len(places) - most} more"
