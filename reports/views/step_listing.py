"""What a step did to the ops, as a short static listing: the unchanged folded to a line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tvmq_diag.history.lineage import Module
from tvmq_diag.history.rows import Row
from tvmq_diag.history.story import ADDED, CHANGED, REMOVED, SAME, OpChange, Story

from ..formatting import KEPT, clip, duration

LIMIT = 120
"""Ops of a listing at most."""

AROUND = 6
"""Ops shown on each side of the refused one, and at the beginning where nothing changed."""

WORDS = {ADDED: "added", REMOVED: "removed", CHANGED: "changed", SAME: "unchanged"}
"""A mark in words, for who cannot see it."""

_WIDTH = 180


@dataclass(frozen=True)
class StepLine:
    """An op; or `folded`, how many others stand there. `was`: what a change changed."""

    mark: str = SAME
    word: str = ""
    number: str = ""
    text: str = ""
    was: str = ""
    refused: bool = False
    folded: str = ""


@dataclass(frozen=True)
class StepListing:
    """A step in a sentence, and its lines; `left_out` counts changes that have none."""

    name: str
    summary: str
    lines: list[StepLine]
    left_out: int


class Places(dict[int, int]):
    """Where each line stands in a module, in running order: the number that readers know it by."""

    @classmethod
    def of(cls, module: Module | None) -> Places:
        """Those of a module; none where there is none."""
        return cls((line, place) for place, line in enumerate(module.lines if module else ()))

    def named(self, read: int | str) -> str:
        """What an op reads, in words."""
        if isinstance(read, str):
            return re.sub(r"^%(\d+)", lambda line: f"%{self.get(int(line[1]), '?')}", read)
        return f"%{self.get(read, '?')}"

    def reads(self, row: Row) -> str:
        """All that an op reads, in words."""
        return ", ".join(map(self.named, row.reads))


def listing(story: Story, number: int) -> StepListing:
    """The listing of a step: what changed; else what is around the refused op; else its start."""
    ops, refused = story.changes(number), story.refused(number)
    shown = [i for i, op in enumerate(ops) if op.mark != SAME]
    if refused is not None:
        shown = list(range(max(0, refused - AROUND), min(len(ops), refused + AROUND + 1)))
    elif not shown and number == 0:
        shown = list(range(len(ops)))
    kept = set(shown[:LIMIT])
    places = Places.of(story.before(number)), Places.of(story.module(number))
    return StepListing(
        clip(story.names[number], 80),
        _summary(story, number, ops),
        list(_lines(ops, kept, shown, refused, places)),
        len(shown) - len(kept),
    )


def _summary(story: Story, number: int, ops: list[OpChange]) -> str:
    step = story.steps[number]
    counts = Counter(op.mark for op in ops)
    if not ops:
        told = "no module of operators on record"
    elif step.failed:
        told = f"failed; the {len(ops)} ops that it was given"
    elif number == 0:
        told = f"{len(ops)} ops"
    else:
        told = ", ".join(f"{counts[mark]} {word}" for mark, word in WORDS.items() if counts[mark])
    took = "" if step.ms is None else f", {duration(step.ms)}{f' {KEPT}' * step.kept}"
    return clip(f"{step.stage}{took}: {told}", 200)


def _lines(
    ops: list[OpChange],
    kept: set[int],
    shown: list[int],
    refused: int | None,
    places: tuple[Places, Places],
) -> Iterator[StepLine]:
    folded, unshown = 0, set(shown) - kept
    called = "more" if refused is not None else WORDS[SAME]
    for place, op in enumerate(ops):
        if place in kept:
            if folded:
                yield StepLine(folded=f"{folded} {called}")
            folded = 0
            yield _line(op, refused is not None and place == refused, *places)
        elif place not in unshown:
            folded += 1
    if folded:
        yield StepLine(folded=f"{folded} {called}")


def _line(op: OpChange, refused: bool, before: Places, now: Places) -> StepLine:
    was = clip("; ".join(_differences(op.before, op.row, before, now)), _WIDTH) if op.before else ""
    word = "refused" if refused else WORDS[op.mark]
    mark = "✗" if refused else op.mark
    text = _text(op.row, before if op.mark == REMOVED else now)
    return StepLine(mark, word, f"%{op.index}", text, was, refused)


def _text(row: Row, places: Places) -> str:
    """An op on a line: `add(%12, int8[64] 9f2c) axis=1 : int8[1,64] as int4`."""
    attributes = " ".join(f"{name}={value}" for name, value in row.attributes)
    said = f"{row.op}({places.reads(row)}) : {row.makes} {row.stands_for} {attributes}"
    return clip(said, _WIDTH)


def _differences(before: Row, row: Row, then: Places, now: Places) -> Iterator[str]:
    """What a change changed, the telling first."""
    pairs = [
        ("", before.op, row.op),
        ("", before.makes, row.makes),
        ("", before.stands_for or "nothing said", row.stands_for or "nothing said"),
    ]
    old, new = dict(before.attributes), dict(row.attributes)
    pairs += [(f"{name} ", old.get(name, "none"), new.get(name, "none")) for name in {**old, **new}]
    if before.reads != row.reads:
        pairs.append(("reads ", then.reads(before), now.reads(row)))
    for what, was, became in pairs:
        if was != became:
            yield f"{what}{clip(was, 60)} → {clip(became, 60)}"
