"""Beyond the first rejected op: each op's own verdict, and the smallest module that fails.

What both dialects share; each has its own Survey in a module `survey`, and knows the modules.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, Callable, ContextManager, MutableMapping, Sequence

from ..protocol.schema import FOLDING
from ..recording.open_pass import OpenPass
from ..tvm_types import IRModule, Target
from .reduction import (
    Budget,
    Experiment,
    Judged,
    NotSliceable,
    Part,
    Reduced,
    Remembered,
    failing,
    judge_all,
    reduce,
)
from .shrinking import shrink
from .signature import Attempt, Blame, signature

MAP_SECONDS = 20.0
REDUCE_SECONDS = 10.0

Memo = MutableMapping[str, Any]
"""What the failing pass said of each part that was tried (None: nothing), by a stable text."""


@dataclass
class Map:
    """What the failing pass says of each op alone. Numbers are rows of the op table.

    `left` ops were not reached before the time was up. After a failing build only the ops inside
    fused functions are judged.
    """

    accepted: list[int]
    rejected: list[tuple[int, str]]
    unjudged: list[tuple[int, str]]
    left: int
    queries: int
    ms: float


@dataclass
class Smallest:
    """The reduced module as a file, `source`; None where it cannot be written as one."""

    calls: int
    of: int
    queries: int
    ms: float
    complete: bool
    deterministic: bool
    source: str | None


class Survey:
    """Runs the failing pass on parts of the module it failed on, under the qconfig in force.

    Each experiment is one call of `attempt`; what it comes to is kept in `memo`, and what is known
    there already is not tried again. `parts` are those of the dialect (see its module `parts`).
    """

    def __init__(
        self,
        place: OpenPass,
        attempt: Attempt,
        error: BaseException,
        target: Target,
        parts: Any,
        memo: Memo | None = None,
        map_seconds: float = MAP_SECONDS,
        reduce_seconds: float = REDUCE_SECONDS,
    ) -> None:
        self.place = place
        self.attempt = attempt
        self.error = error
        self.target = target
        self.memo: Memo = {} if memo is None else memo
        self.map_seconds = map_seconds
        self.reduce_seconds = reduce_seconds
        # Constant folding does nothing to inputs.
        self.folds = place.name == FOLDING
        self.parts = parts
        self.wanted = signature(error)
        self._alike: dict[Any, str | None] = {}

    # What a dialect has to say

    def experiment(self, part: Part) -> str | None:
        """What the failing pass says of a part. Raises NotSliceable for one that is ill-typed."""
        return self.failure_of(self.parts.module(part))

    def reference(self) -> ContextManager[Any]:
        """Puts TVM's own default in place of the dtypes that were asked for."""
        return contextlib.nullcontext()

    def source(self, part: Part, versions: dict[str, str]) -> str | None:
        """The part as a file that fails; None where it cannot be written as one."""
        raise NotImplementedError

    # What they share

    @property
    def message(self) -> str:
        """What the failure says; its class where it says nothing."""
        kind, _, text = self.wanted.partition(": ")
        return text or kind

    def once(self, key: Any, ask: Callable[[], str | None]) -> str | None:
        """A model repeats its blocks: parts that are the same module, by `key`, are tried once."""
        if key not in self._alike:
            self._alike[key] = ask()
        return self._alike[key]

    def map(self) -> Map:
        """Every op's own verdict. Raises NotSliceable where they would say nothing."""
        budget = Budget(self.map_seconds)
        ops = self.ops()
        judged = self.judged(budget)
        remaining = len(ops) - len(judged.answers) - len(judged.unjudged)
        rows = self.parts.rows
        result = Map(
            accepted=[rows[op] for op, message in judged.answers.items() if message is None],
            rejected=[
                (rows[op], message) for op, message in judged.answers.items() if message is not None
            ],
            unjudged=[(rows[op], why) for op, why in judged.unjudged.items()],
            left=remaining,
            queries=budget.queries,
            ms=budget.ms,
        )
        if len(result.accepted) == len(ops):
            raise NotSliceable("no op fails on its own, only several of them together do")
        return result

    def smallest(self, blame: Blame, versions: dict[str, str]) -> Smallest:
        """The smallest part around the blamed op that fails in the same way.

        Raises NotSliceable when none does, or none was found in time.
        """
        budget = Budget(self.reduce_seconds)
        experiment = self._remembered("", self.experiment, budget)
        reduced = self._reduced(blame.index, experiment, budget)
        part, source = reduced.part, None
        if reduced.deterministic:
            fails = self.failing(experiment)
            part = shrink(part, self.parts.sizes, self.parts.attributes, fails, budget)
            source = self.source(part, versions)
        return Smallest(
            calls=len(part.kept),
            of=len(self.ops()),
            queries=budget.queries,
            ms=budget.ms,
            complete=reduced.complete and not budget.spent,
            deterministic=reduced.deterministic,
            source=source,
        )

    def ops(self) -> Sequence[int]:
        """The ops that a map is about."""
        return range(len(self.parts.calls))

    def judged(self, budget: Budget) -> Judged:
        """Every op's own verdict, as far as the time suffices."""
        judge = self.judge(budget)
        parts = self.parts
        if self.folds:
            foldable = parts.foldable()
            return judge_all(
                self.ops(), parts.producers, lambda op: op not in foldable, judge, budget, True
            )
        if parts.has_steps:
            return judge_all(
                self.ops(),
                parts.producers,
                parts.is_step,
                judge,
                budget,
                ones=parts.steps_need_weights,
                harmless_edge=parts.steps_are_harmless,
            )
        # Nowhere to cut but everywhere: each op by itself.
        return judge_all(self.ops(), lambda op: (), lambda op: True, judge, budget)

    def judge(self, budget: Budget) -> Callable[[Part], str | None]:
        """With its control: what fails at TVM's own default too is not the dtypes' fault."""
        experiment = self._remembered("", self.experiment, budget)
        control = self._remembered(" control", self._control, budget)

        def judge(part: Part) -> str | None:
            message = experiment(part)
            # Other passes read no qconfig: their control would be the same experiment.
            if message is not None and self.place.name.startswith("Quantize"):
                reference = control(part)
                if reference is not None:
                    raise NotSliceable(f"alone it fails at TVM's default too: {reference}")
            return message

        return judge

    def failing(self, experiment: Experiment) -> Callable[[Part], bool]:
        """Does a part fail as the compile did?"""
        return failing(experiment, self.wanted)

    def failure_of(self, module: IRModule) -> str | None:
        """What an attempt on a module says; None if nothing."""
        try:
            self.attempt(module)
        except Exception as error:
            return signature(error)
        return None

    def _reduced(self, root: int, experiment: Experiment, budget: Budget) -> Reduced:
        """With weights as inputs if it fails like that, else as ones; the other way where only
        weights that are there can make it fail.

        Raises NotSliceable.
        """
        parts = self.parts
        variants = [False, True] if parts.has_weights else [False]
        needed = self.folds or (parts.has_steps and parts.steps_need_weights)
        for ones in reversed(variants) if needed else variants:
            reduced = reduce(root, self.parts.producers, experiment, self.wanted, budget, ones)
            if reduced is not None:
                return reduced
        if budget.spent:
            raise NotSliceable(
                f"no part of the module was found in {self.reduce_seconds:.0f} s that fails in the"
                " same way on its own"
            )
        raise NotSliceable("no part of the module fails in the same way on its own")

    def _control(self, part: Part) -> str | None:
        with self.reference():
            return self.experiment(part)

    def _remembered(self, name: str, experiment: Experiment, budget: Budget) -> Remembered:
        return Remembered(experiment, self.place.name + name, self.memo, budget)
