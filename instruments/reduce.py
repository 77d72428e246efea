"""Cut a failing graph down: which ops fail on their own, and the smallest part that still fails.

Knows no TVM. Ops are numbered in running order; `producers(i)` are the ops that op i reads from.
A `Part` says which ops are kept; what a kept op reads from one that is not becomes an input of the
part. The experiment on a part is the caller's: it returns what the failure said, or None.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Callable, Iterable, Sequence

Producers = Callable[[int], Sequence[int]]


@dataclass(frozen=True)
class Part:
    """The ops `kept`, computing `root`. Reading a `bypassed` op means reading its first input."""

    root: int
    kept: frozenset[int]
    bypassed: frozenset[int] = frozenset()


Experiment = Callable[[Part], "str | None"]
"""What the failure said of a part, None if there was none. May raise NotSliceable."""


class NotSliceable(Exception):
    """The part makes no sense as a module of its own; the message says why."""


@dataclass
class Judged:
    """What each op's slice said, None where it was accepted; and why some cannot be judged alone.

    Ops that the time did not suffice for are in neither.
    """

    said: dict[int, str | None] = field(default_factory=dict)
    unjudged: dict[int, str] = field(default_factory=dict)


@dataclass
class Budget:
    """Counts experiments, and says when the time (seconds) is up."""

    seconds: float
    queries: int = 0
    began: float = field(default_factory=time.perf_counter)

    @property
    def spent(self) -> bool:
        """Is the time up?"""
        return time.perf_counter() - self.began > self.seconds

    @property
    def ms(self) -> float:
        """Milliseconds since the beginning."""
        return (time.perf_counter() - self.began) * 1e3


@dataclass
class Reduced:
    """The smallest part found. `complete` is False when the time was up before all was tried."""

    part: Part
    queries: int
    ms: float
    complete: bool
    deterministic: bool = True


def slice_to(root: int, producers: Producers, boundary: Callable[[int], bool]) -> Part:
    """The op with what it reads, back to and with the nearest ops for which `boundary` holds."""
    kept = {root}
    waiting = [root]
    while waiting:
        for producer in producers(waiting.pop()):
            if producer not in kept:
                kept.add(producer)
                if not boundary(producer):
                    waiting.append(producer)
    return Part(root, frozenset(kept))


def judge_all(
    ops: Iterable[int],
    producers: Producers,
    boundary: Callable[[int], bool],
    experiment: Experiment,
    budget: Budget,
) -> Judged:
    """Put each op's slice through the step alone.

    An op is blamed only for itself: rejected ops in its slice are bypassed before it is tried, or,
    where that makes no module, cut out as inputs.
    """
    judged = Judged()
    for op in ops:
        if budget.spent:
            break
        part = slice_to(op, producers, boundary)
        # A rejected op at the boundary is harmless there: what it chokes on is cut away.
        guilty = frozenset(o for o in part.kept if judged.said.get(o) and not boundary(o))
        for bypassed in (guilty, frozenset()) if guilty else (guilty,):
            budget.queries += 1
            try:
                candidate = Part(op, part.kept - guilty, bypassed)
                judged.said[op] = experiment(_reachable(candidate, producers))
                judged.unjudged.pop(op, None)
                break
            except NotSliceable as reason:
                judged.unjudged[op] = str(reason)
    return judged


def reduce(
    root: int, producers: Producers, experiment: Experiment, wanted: str, budget: Budget
) -> Reduced | None:
    """The smallest part around `root` that fails with `wanted`; None if no part of it does.

    Grows what `root` reads level by level until the failure appears, then leaves out or bypasses
    one op after the other. Another failure than `wanted` is not a win. The failure is tried twice
    more first: one that does not come each time is not reduced.
    """

    def fails(part: Part) -> bool:
        budget.queries += 1
        try:
            return experiment(part) == wanted
        except NotSliceable:
            return False

    part = _grow(root, producers, fails, budget)
    if part is None:
        return None
    if not (fails(part) and fails(part)):
        return Reduced(part, budget.queries, budget.ms, True, deterministic=False)
    complete = False
    while not complete and not budget.spent:
        smaller = _smaller(part, producers, fails, budget)
        complete = smaller is None and not budget.spent
        if smaller is None:
            break
        part = smaller
    return Reduced(part, budget.queries, budget.ms, complete)


def _grow(
    root: int, producers: Producers, fails: Callable[[Part], bool], budget: Budget
) -> Part | None:
    kept = {root}
    edge = [root]
    while True:
        part = Part(root, frozenset(kept))
        if fails(part):
            return part
        edge = [p for op in edge for p in producers(op) if p not in kept]
        if not edge or budget.spent:
            return None
        kept.update(edge)


def _smaller(
    part: Part, producers: Producers, fails: Callable[[Part], bool], budget: Budget
) -> Part | None:
    """The first smaller part that fails too, the ops farthest from the root tried first."""
    for op in sorted(part.kept - {part.root}):
        for candidate in (
            Part(part.root, part.kept - {op}, part.bypassed),
            Part(part.root, part.kept - {op}, part.bypassed | {op}),
        ):
            if budget.spent:
                return None
            if fails(_reachable(candidate, producers)):
                return _reachable(candidate, producers)
    return None


def _reachable(part: Part, producers: Producers) -> Part:
    """Without the kept ops whose results no longer reach the root."""
    found = {part.root}
    waiting = [part.root]
    seen = {part.root}
    while waiting:
        op = waiting.pop()
        reads = producers(op)
        for producer in reads[:1] if op in part.bypassed else reads:
            if producer in seen or producer not in part.kept | part.bypassed:
                continue
            seen.add(producer)
            waiting.append(producer)
            if producer in part.kept:
                found.add(producer)
    return Part(part.root, frozenset(found), part.bypassed & frozenset(seen))
