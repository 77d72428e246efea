"""Which compile of a run, and which step of it, is exported, with all that is known of its ops."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from tvmq_diag import configuration as configurations
from tvmq_diag.analysis.dtype_timeline import anchors_of
from tvmq_diag.errors import UsageError
from tvmq_diag.history.lineage import Module
from tvmq_diag.history.rows import Row
from tvmq_diag.history.story import Story
from tvmq_diag.measurements.numerics import Anchor
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.verdict import GOOD, NOT_QUANTIZED
from tvmq_diag.trace.graph import RESULT, Op

from ..formatting import REJECTED, clip, in_order
from ..views.rejections import fates
from .texts import slug


@dataclass(frozen=True)
class Choice:
    """What was asked for: a configuration however it is written, and a step by name; None: what
    tells most."""

    configuration: str | None = None
    step: str | None = None


@dataclass(frozen=True, eq=False)
class Chosen:
    """A step of a compile."""

    result: Result
    story: Story
    number: int
    module: Module

    @property
    def configuration(self) -> str:
        """What it was compiled for."""
        return clip(self.result.verdict.configuration, 200)

    @property
    def step(self) -> str:
        """What the step is called."""
        return clip(self.story.names[self.number], 200)

    @property
    def stem(self) -> str:
        """The beginning of a file's name."""
        return f"{slug(self.configuration)}-{slug(self.step)}"

    @property
    def ops(self) -> Iterator[tuple[int, Op, Row]]:
        """Each op with its line and what it is in words, without what hands the results back."""
        rows = self.story.rows(self.module)
        for (line, op), row in zip(self.module.ops, rows, strict=True):
            if op.name != RESULT:
                yield line, op, row

    @property
    def refused(self) -> int | None:
        """The line of the op that the compile was refused at, where it was at this step."""
        place = self.story.refused(self.number)
        return None if place is None else self.module.lines[place]

    @functools.cached_property
    def marks(self) -> dict[int, str]:
        """What the step did to each line: `+` added, `~` changed, blank the same."""
        changes = self.story.changes(self.number)
        return {change.line: change.mark for change in changes if change.mark != "-"}

    @functools.cached_property
    def fates(self) -> dict[int, str]:
        """How each line fared in the pass that failed, where each op was tried."""
        failing = self.story.trace.failing_snapshot()
        known, refused = fates(self.story.trace), self.story.trace.blamed()
        if refused is not None:
            known = {**known, refused[1].number: REJECTED}
        for module in self.story.lineage.modules if failing is not None and known else ():
            if failing is not None and module.graph.snapshot.number == failing.number:
                return {
                    line: known[op.node.number]
                    for line, op in module.ops
                    if op.node.number in known and op.name != RESULT
                }
        return {}

    @functools.cached_property
    def errors(self) -> dict[int, Anchor]:
        """The error of each line that was measured. Anchors are paired with those of a module that
        has as many, of the same names; where none has, nothing is claimed."""
        measured = self.result.numerics.anchors if self.result.numerics else []
        names = [anchor.op for anchor in measured]
        for module in reversed(self.story.lineage.modules):
            found = anchors_of(module.graph.snapshot)
            if names and [call.op for call in found] in (names, []) and len(found) == len(names):
                lines = {op.node.number: line for line, op in module.ops if op.name != RESULT}
                pairs = zip(found, measured, strict=True)
                return {lines[c.number]: anchor for c, anchor in pairs if c.number in lines}
        return {}


def results(run: Run, choice: Choice) -> list[Result]:
    """The results that are exported, what was asked for first.

    Raises UsageError for a configuration that was not tried; the message lists those that were.
    """
    ordered = in_order(run.results)
    if choice.configuration is None:
        return ordered
    wanted = {choice.configuration, _canonical(choice.configuration)}
    found = [result for result in ordered if result.verdict.configuration in wanted]
    if not found:
        names = ", ".join(result.verdict.configuration for result in ordered)
        raise UsageError(
            f"{choice.configuration!r} was not tried in {run.directory}: it has {names or 'none'}"
        )
    return found


def chosen(run: Run, choice: Choice) -> Chosen:
    """The step of the compile that was asked for; else of the first that does not work, else of
    the first, the one that failed, or the last in which the quantization shows.

    Raises UsageError where there is none, with what there is.
    """
    found = [
        result
        for result in results(run, choice)
        if result.trace is not None and result.trace.tables
    ]
    quantized = [result for result in found if result.role != Role.FLOAT]
    bad = [r for r in quantized if r.verdict.outcome not in (*GOOD, NOT_QUANTIZED)]
    for result in [*bad[:1], *quantized, *found][:1]:
        return of(result, choice)
    raise UsageError(f"no trace in {run.directory} has a module")


def of(result: Result, choice: Choice) -> Chosen:
    """The step of one result's compile. Raises UsageError where it has none of that name."""
    assert result.trace is not None
    story = Story(result.trace)
    number = story.telling() if choice.step is None else story.find(choice.step)
    module = story.module(number) if number is not None else None
    if number is None or module is None:
        raise UsageError(f"no module was recorded in {result.trace.path}")
    return Chosen(result, story, number, module)


def _canonical(text: str) -> str:
    """The name under which a configuration is on record; itself where it is none."""
    try:
        return configurations.parse(text).text
    except UsageError:
        return text
