"""A step of a compile, as a person asks about it."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass

from ..history.rows import Row
from ..history.story import SAME, OpChange, Story
from ..trace.snapshot import Snapshot


@dataclass(frozen=True, repr=False, eq=False)
class Step:
    """A pass and the module behind it; of one that failed, the module that it was given.

    In a notebook it shows the ops that changed.
    """

    story: Story
    number: int
    """Its place among the compile's steps; 0 is the model itself."""

    @property
    def name(self) -> str:
        """The pass, with `#2` where it is the second of that name."""
        return self.story.names[self.number]

    @property
    def stage(self) -> str:
        """The stage that it is part of."""
        return self.story.steps[self.number].stage

    @property
    def ms(self) -> float | None:
        """What it took, in milliseconds; None where it did not end."""
        return self.story.steps[self.number].ms

    @property
    def failed(self) -> bool:
        """Is it the one that failed?"""
        return self.story.steps[self.number].failed

    @property
    def module(self) -> Snapshot | None:
        """The module, as recorded; None where there is none of operators yet."""
        module = self.story.module(self.number)
        return None if module is None else module.graph.snapshot

    @property
    def rows(self) -> list[Row]:
        """The ops in words, in running order: op, makes, reads, attributes, stands_for, span."""
        module = self.story.module(self.number)
        return [] if module is None else self.story.rows(module)

    @functools.cached_property
    def listing(self) -> list[OpChange]:
        """All ops, and those that it removed where they stood, each with a mark: `+` added,
        `-` removed, `~` changed (its `before` is the row that it had), blank the same."""
        return self.story.changes(self.number)

    @property
    def changes(self) -> list[OpChange]:
        """The difference to the step before: the listing without what stayed the same."""
        return [op for op in self.listing if op.mark != SAME]

    @property
    def refused(self) -> int | None:
        """Which op the compile was refused at, in running order from 0; None where it was not."""
        return self.story.refused(self.number)

    def __repr__(self) -> str:
        counts = Counter(op.mark for op in self.changes)
        told = ", ".join(f"{mark}{count}" for mark, count in sorted(counts.items()))
        state = "failed" if self.failed else told or "changes no op"
        return f"<Step {self.name} ({self.stage}): {len(self.rows)} ops, {state}>"

    def _repr_html_(self) -> str:
        from ..reports.pages import notebook

        return notebook.step(self.story, self.number)
