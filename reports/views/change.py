"""What passes made of the ops around the one that a compile of the run was rejected at.

Of the rejected compile: what the quantizer wrote there before the pass that refused it. Of one that
works: what that pass does there, where it goes well.
"""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.history import steps
from tvmq_diag.history.lineage import Graphs
from tvmq_diag.history.steps import Step
from tvmq_diag.results.run import Run
from tvmq_diag.trace.graph import Graph
from tvmq_diag.trace.trace import Trace

from ..figures import changes
from ..figures.changes import Sides
from ..figures.graph import Picture
from ..formatting import clip
from .addresses import Addresses


@dataclass(frozen=True)
class Change:
    """The two modules in one picture; `before` and `after` say which they are, `was_at` and
    `now_at` where the viewer shows them."""

    heading: str
    picture: Picture
    before: str
    after: str
    was_at: str | None
    now_at: str | None


@dataclass(frozen=True)
class Question:
    """What to draw: two snapshots, what they are, and the place in running order of the op that it
    is about, in the second (`of_after`) or the first."""

    heading: str
    before: int
    after: int
    before_said: str
    after_said: str
    place: int
    of_after: bool


def question(run: Run, trace: Trace) -> Question | None:
    """What is worth drawing of a compile; None where there is nothing."""
    passed = steps.steps(trace)
    return _rejected(trace, passed) if trace.blame is not None else _taken(run, trace, passed)


def change(
    asked: Question, trace: Trace, addresses: Addresses, graphs: Graphs, prefix: str
) -> Change | None:
    """The picture; None where a module cannot be read, or both are the same there."""
    before, after = graphs.of(trace, asked.before), graphs.of(trace, asked.after)
    if before is None or after is None or before is after:
        return None
    aligned = graphs.align(before, after).pairs
    pairs = {_row(before, old): _row(after, new) for old, new in aligned.items()}
    centre = after if asked.of_after else before
    if asked.place >= len(centre.ops):
        return None
    title = f"The ops around #{asked.place}, {asked.before_said} and {asked.after_said}"
    sides = Sides(before.snapshot, after.snapshot, pairs, asked.before_said, asked.after_said)
    row, refused = _row(centre, asked.place), asked.of_after
    picture = changes.around(sides, row, refused, prefix, clip(title, 160), refused)
    if picture is None:
        return None
    return Change(
        asked.heading,
        picture,
        asked.before_said,
        asked.after_said,
        addresses.module(asked.before),
        addresses.module(asked.after),
    )


def _rejected(trace: Trace, passed: list[Step]) -> Question | None:
    """Of a rejected compile: before the quantizer wrote its steps, and what was refused."""
    blamed, failing, at = trace.blamed(), trace.failing_snapshot(), trace.blamed_pass
    if blamed is None or failing is None:
        return None
    changed = [i for i, step in enumerate(passed) if step.changed and not step.failed]
    early = [i for i in changed if passed[i].stage == "annotate"] or changed[-1:]
    before = _given(passed, early[0]) if early else None
    if before is None or before == failing.number:
        return None
    given = f"given to {clip(at.name if at is not None else 'the compiler', 60)}"
    said = f"before {clip(passed[early[0]].name, 60)}"
    heading = "What was written around the op before it was rejected"
    return Question(heading, before, failing.number, said, given, blamed[0], True)


def _taken(run: Run, trace: Trace, passed: list[Step]) -> Question | None:
    """Of a compile that works: before and after the pass that rejected the op in another."""
    for other in run.results:
        blamed = other.trace.blamed() if other.trace is not None else None
        at = other.trace.blamed_pass if other.trace is not None else None
        if blamed is None or at is None:
            continue
        place, op = blamed
        for number, step in enumerate(passed):
            before = _given(passed, number)
            if step.name != at.name or not step.changed or before is None or step.module is None:
                continue
            snapshot = trace.snapshot(before)
            executed = snapshot.executed() if snapshot is not None else []
            if place < len(executed) and executed[place].op == op.op:
                name = clip(step.name, 60)
                refused = clip(other.verdict.configuration, 60)
                heading = f"What {name} makes of the op that {refused} was rejected at"
                said = f"before {name}", f"after {name}"
                return Question(heading, before, step.module, *said, place, False)
    return None


def _given(passed: list[Step], number: int) -> int | None:
    """The snapshot of the module that a step was given."""
    modules = (step.module for step in reversed(passed[:number]))
    return next((module for module in modules if module is not None), None)


def _row(graph: Graph, index: int) -> int:
    return graph.ops[index].node.number
