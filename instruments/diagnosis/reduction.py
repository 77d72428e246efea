"""Cut a failing graph down: which ops fail on their own, and the smallest part that still fails.

Knows no TVM. Ops are numbered in running order; `producers(i)` are the ops that op i reads from.
A `Part` says which ops are kept; what a kept op reads from one that is not becomes an input of the
part. The experiment on a part is the caller's: it returns what the failure said, or None. How many
were run is counted, and what they said remembered, by wrapping it in `Remembered`; shapes and
attributes are shrunk in shrink.py.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Iterable, MutableMapping, Sequence

SINGLE_LEVELS = 8
"""So many levels of producers are taken in one by one, and more and more at once beyond."""

Producers = Callable[[int], Sequence[int]]


@dataclass(frozen=True)
class Part:
    """The ops `kept`, computing `root`. Reading a `bypassed` op means reading its first input.

    Only `root` and `kept` are needed; the rest makes the part smaller still or asks it in another
    way.
    """

    root: int
    kept: frozenset[int]
    bypassed: frozenset[int] = frozenset()
    sizes: frozenset[tuple[int, int]] = frozenset()
    """Dimensions by their old size, and the size they have instead; each old size once."""
    dropped: frozenset[tuple[int, str]] = frozenset()
    """Op and name of each attribute that is left to its default."""
    ones: bool = False
    """Weights stay constants, all ones, instead of becoming inputs of the part."""
    turn: int = 0
    """Another turn is another experiment on the same part."""

    @property
    def key(self) -> str:
        """The part as text: the same in every process, and another for every other part."""
        return (
            f"root={self.root} kept={_listed(self.kept)} bypassed={_listed(self.bypassed)}"
            f" sizes={sorted(self.sizes)} dropped={sorted(self.dropped)}"
            f" ones={self.ones} turn={self.turn}"
        )


Experiment = Callable[[Part], "str | None"]
"""What the failure said of a part, None if there was none. May raise NotSliceable."""


class NotSliceable(Exception):
    """It cannot be asked of a part of the module; the message is the reason, for people to read."""


@dataclass
class Judged:
    """What each op's slice said, None where it was accepted; and why some cannot be judged alone.

    Ops that the time did not suffice for are in neither.
    """

    answers: dict[int, str | None] = field(default_factory=dict)
    unjudged: dict[int, str] = field(default_factory=dict)


@dataclass
class Budget:
    """Says when the time (seconds) is up; `queries` are the experiments that were run."""

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


class Remembered:
    """An experiment that is run once for each part: `memo` keeps what it said, by text.

    `name` tells apart what several experiments say of the same part. Only what is run counts as a
    query. NotSliceable is not kept: it is cheap to come to again.
    """

    def __init__(
        self, experiment: Experiment, name: str, memo: MutableMapping[str, Any], budget: Budget
    ) -> None:
        self._experiment = experiment
        self._name = name
        self._memo = memo
        self._budget = budget

    def __call__(self, part: Part) -> str | None:
        """What the failure says of the part, None if there is none."""
        key = f"{self._name}: {part.key}"
        if key in self._memo:
            answer: str | None = self._memo[key]
            return answer
        self._budget.queries += 1
        self._memo[key] = message = self._experiment(part)
        return message


@dataclass
class Reduced:
    """The smallest part found. `complete` is False when the time was up before all was tried."""

    part: Part
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
    ones: bool = False,
    harmless_edge: bool = True,
) -> Judged:
    """Put each op's slice through the step alone, with weights that are `ones` or inputs.

    An op is blamed only for itself: rejected ops in its slice are bypassed before it is tried, or,
    where that makes no module, cut out as inputs. With a `harmless_edge` those at the boundary are
    not, as what they choke on is cut away there.
    """
    judged = Judged()
    for op in ops:
        if budget.spent:
            break
        part = slice_to(op, producers, boundary)
        rejected = (o for o in part.kept if judged.answers.get(o))
        guilty = frozenset(o for o in rejected if not (harmless_edge and boundary(o)))
        for bypassed in (guilty, frozenset()) if guilty else (guilty,):
            try:
                candidate = Part(op, part.kept - guilty, bypassed, ones=ones)
                judged.answers[op] = experiment(_reachable(candidate, producers))
                judged.unjudged.pop(op, None)
                break
            except NotSliceable as reason:
                judged.unjudged[op] = str(reason)
    return judged


def reduce(
    root: int,
    producers: Producers,
    experiment: Experiment,
    wanted: str,
    budget: Budget,
    ones: bool = False,
) -> Reduced | None:
    """The fewest ops around `root` that fail with `wanted`; None if no part does.

    Grows what `root` reads level by level until the failure appears, then leaves out or bypasses
    one op after the other. Another failure than `wanted` is not a win. The failure is tried twice
    more first: one that does not come each time is not reduced.
    """
    fails = failing(experiment, wanted)
    part = _grow(Part(root, frozenset({root}), ones=ones), producers, fails, budget)
    if part is None:
        return None
    if not (fails(replace(part, turn=1)) and fails(replace(part, turn=2))):
        return Reduced(part, True, deterministic=False)
    complete = False
    while not complete and not budget.spent:
        smaller = _smaller(part, producers, fails, budget)
        complete = smaller is None and not budget.spent
        if smaller is None:
            break
        part = smaller
    return Reduced(part, complete)


def failing(experiment: Experiment, wanted: str) -> Callable[[Part], bool]:
    """Does a part fail with `wanted`, and in no other way?"""

    def fails(part: Part) -> bool:
        try:
            return experiment(part) == wanted
        except NotSliceable:
            return False

    return fails


def _grow(
    part: Part, producers: Producers, fails: Callable[[Part], bool], budget: Budget
) -> Part | None:
    kept = set(part.kept)
    edge = list(kept)
    levels = 0
    while True:
        part = replace(part, kept=frozenset(kept))
        if fails(part):
            return part
        # What lies that far off is rarely needed: leaving it out again is cheaper than each step.
        for _ in range(1 if levels < SINGLE_LEVELS else levels):
            edge = list(dict.fromkeys(p for op in edge for p in producers(op) if p not in kept))
            kept.update(edge)
            levels += 1
        if kept == part.kept or budget.spent:
            return None


def _smaller(
    part: Part, producers: Producers, fails: Callable[[Part], bool], budget: Budget
) -> Part | None:
    """The first smaller part that fails too, the ops farthest from the root tried first."""
    for op in sorted(part.kept - {part.root}):
        kept = part.kept - {op}
        for bypassed in (part.bypassed, part.bypassed | {op}):
            if budget.spent:
                return None
            candidate = _reachable(replace(part, kept=kept, bypassed=bypassed), producers)
            if fails(candidate):
                return candidate
    return None


def _reachable(part: Part, producers: Producers) -> Part:
    """Without the kept ops whose results no longer reach the root."""
    reached = {part.root}
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
                reached.add(producer)
    return replace(part, kept=frozenset(reached), bypassed=part.bypassed & frozenset(seen))


def _listed(numbers: Iterable[int]) -> str:
    return ",".join(map(str, sorted(numbers)))
