"""Two modules side by side, op by op: what differs, with some of what is alike around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tvmq_diag.comparison.alignment import Alignment
from tvmq_diag.comparison.op_diff import (
    ADDED,
    CHANGED,
    MARKS,
    REMOVED,
    REPLACED,
    Difference,
    differences,
    places_of_old,
    ref,
)

from ..formatting import arrows

CONTEXT = 2
"""Equal ops shown on each side of those that differ."""

LOOKS = {ADDED: "added", REMOVED: "removed", CHANGED: "changed", REPLACED: "replaced"}


@dataclass(frozen=True)
class AlignedRow:
    """A line of two modules side by side; `gap` equal ops are left out before it."""

    mark: str
    look: str
    old: str
    old_type: str
    new: str
    new_type: str
    difference: str
    gap: int = 0


def rows_of(alignment: Alignment) -> Iterator[AlignedRow]:
    """Two modules side by side: what differs with some ops around it, the rest counted."""
    lines = list(_lines(alignment))
    wanted = {
        near
        for at, (_, _, difference) in enumerate(lines)
        if difference is not None
        for near in range(at - CONTEXT, at + CONTEXT + 1)
    }
    gap = 0
    for at, (i, j, difference) in enumerate(lines):
        if at not in wanted:
            gap += 1
            continue
        yield _row(alignment, i, j, difference, gap)
        gap = 0
    if gap:
        yield AlignedRow("", "rest", "", "", "", "", "", gap)


Pairing = tuple["int | None", "int | None", "Difference | None"]
"""An op of the old module, its partner in the new one, and the difference; each may be None."""


def _lines(alignment: Alignment) -> Iterator[Pairing]:
    """Each pair of ops, and each that has no other, where it stands in the new module."""
    of_old: dict[int, Difference] = {}
    of_new: dict[int, Difference] = {}
    for difference in differences(alignment):
        of_old.update((op.index, difference) for op in difference.old)
        of_new.update((op.index, difference) for op in difference.new)
    partner = {j: i for i, j in alignment.pairs.items()}
    places = places_of_old(alignment)
    placed: list[tuple[float, int, Pairing]] = [
        (float(op.index), op.index, (partner.get(op.index), op.index, of_new.get(op.index)))
        for op in alignment.new.ops
    ]
    for op in alignment.old.ops:
        if op.index not in alignment.pairs:
            placed.append((places[op.index], op.index, (op.index, None, of_old.get(op.index))))
    placed.sort(key=lambda item: item[:2])
    yield from (line for _, _, line in placed)


def _row(
    alignment: Alignment, i: int | None, j: int | None, difference: Difference | None, gap: int
) -> AlignedRow:
    old = ref(alignment.old.ops[i]) if i is not None else None
    new = ref(alignment.new.ops[j]) if j is not None else None
    kind = difference.kind if difference is not None else ""
    if difference is None:
        words = ""
    elif kind == CHANGED:
        words = "; ".join(map(str, difference.changes))
    else:
        words = LOOKS[kind] if difference.reader is None else f"{LOOKS[kind]}, at {difference.op}"
    return AlignedRow(
        MARKS.get(kind, ""),
        LOOKS.get(kind, "alike"),
        str(old) if old else "",
        old.type if old else "",
        str(new) if new else "",
        new.type if new else "",
        arrows(words),
        gap,
    )
