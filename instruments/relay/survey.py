"""Beyond the first rejected op: each op's own verdict, and the smallest module that fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, MutableMapping, Sequence

import tvm
from tvm import relay

from ..diagnostics import DIAGNOSTIC, quiet, unheard
from ..failing import Attempt, Blame, Wrap, as_it_is, last_line, signature
from ..open_pass import OpenPass
from ..reduce import (
    Budget,
    Judged,
    NotSliceable,
    Part,
    Reduced,
    Remembered,
    failing,
    judge_all,
    reduce,
    slice_to,
)
from ..schema import FOLDING
from ..shrink import shrink
from . import reproducer
from .adapter import settings
from .parts import Parts
from .replay import REFERENCE, building, failing_relay_pass, pass_by_name

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
    there already is not tried again. Raises NotSliceable where no part can be had.
    """

    def __init__(
        self,
        place: OpenPass,
        attempt: Attempt,
        error: BaseException,
        target: Any,
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
        self.parts = Parts(_typed(place.before))
        self.wanted = self._wanted()

    def map(self) -> Map:
        """Every op's own verdict. Raises NotSliceable where they would say nothing."""
        budget = Budget(self.map_seconds)
        ops = self._ops()
        judged = self._judged(budget)
        left = len(ops) - len(judged.said) - len(judged.unjudged)
        rows = self.parts.rows
        found = Map(
            accepted=[rows[op] for op, said in judged.said.items() if said is None],
            rejected=[(rows[op], said) for op, said in judged.said.items() if said is not None],
            unjudged=[(rows[op], why) for op, why in judged.unjudged.items()],
            left=left,
            queries=budget.queries,
            ms=budget.ms,
        )
        if len(found.accepted) == len(ops):
            raise NotSliceable("no op fails on its own, only several of them together do")
        return found

    def smallest(self, blame: Blame, versions: dict[str, str]) -> Smallest:
        """The smallest part around the blamed op that fails in the same way.

        Raises NotSliceable when none does, or none was found in time.
        """
        budget = Budget(self.reduce_seconds)
        experiment = self._remembered("", self._experiment, budget)
        found = self._reduced(blame.index, experiment, budget)
        part, source = found.part, None
        if found.deterministic:
            fails = failing(experiment, self.wanted)
            part = shrink(part, self.parts.sizes, self.parts.attributes, fails, budget)
            source = self._source(part, versions)
        return Smallest(
            calls=len(part.kept),
            of=len(self._ops()),
            queries=budget.queries,
            ms=budget.ms,
            complete=found.complete and not budget.spent,
            deterministic=found.deterministic,
            source=source,
        )

    def _ops(self) -> Sequence[int]:
        """The ops that a map is about."""
        return range(len(self.parts.calls))

    def _judged(self, budget: Budget) -> Judged:
        judge = self._judge(budget)
        parts = self.parts
        if self.folds:
            foldable = parts.foldable()
            return judge_all(
                self._ops(), parts.producers, lambda op: op not in foldable, judge, budget, True
            )
        if parts.has_steps:
            return judge_all(self._ops(), parts.producers, parts.is_step, judge, budget)
        # Nowhere to cut but everywhere: each op by itself.
        return judge_all(self._ops(), lambda op: (), lambda op: True, judge, budget)

    def _judge(self, budget: Budget) -> Callable[[Part], str | None]:
        """With its control: what fails at TVM's own default too is not the dtypes' fault."""
        experiment = self._remembered("", self._experiment, budget)
        control = self._remembered(" control", self._control, budget)

        def judge(part: Part) -> str | None:
            said = experiment(part)
            # Other passes read no qconfig: their control would be the same experiment.
            if said is not None and self.place.name.startswith("Quantize"):
                usual = control(part)
                if usual is not None:
                    raise NotSliceable(f"alone it fails at int8/int8/int32 too: {usual}")
            return said

        return judge

    def _reduced(
        self, root: int, experiment: Callable[[Part], str | None], budget: Budget
    ) -> Reduced:
        """With weights as inputs if it fails like that, else as ones; the other way when folding.

        Raises NotSliceable.
        """
        variants = [False, True] if self.parts.has_weights else [False]
        for ones in reversed(variants) if self.folds else variants:
            found = reduce(root, self.parts.producers, experiment, self.wanted, budget, ones)
            if found is not None:
                return found
        if budget.spent:
            raise NotSliceable(
                f"no part of the module was found in {self.reduce_seconds:.0f} s that fails in the"
                " same way on its own"
            )
        raise NotSliceable("no part of the module fails in the same way on its own")

    def _source(self, part: Part, versions: dict[str, str]) -> str | None:
        try:
            return reproducer.source(
                self._pass_name(),
                relay.transform.InferType()(self.parts.module(part)),
                relay.quantize.current_qconfig(),
                self.target,
                self.wanted.partition(": ")[2],
                versions,
            )
        except NotSliceable:
            return None

    def _pass_name(self) -> str:
        return self.place.name

    def _remembered(
        self, name: str, experiment: Callable[[Part], str | None], budget: Budget
    ) -> Remembered:
        return Remembered(experiment, self.place.name + name, self.memo, budget)

    def _control(self, part: Part) -> str | None:
        asked = settings(relay.quantize.current_qconfig())
        with relay.quantize.qconfig(**{**asked, **REFERENCE}):
            return self._experiment(part)

    def _experiment(self, part: Part) -> str | None:
        module = self.parts.module(part)
        try:
            quiet(relay.transform.InferType())(module)
        except (tvm.TVMError, ValueError, TypeError) as error:
            raise NotSliceable(f"ill-typed on its own: {last_line(error)}") from error
        return self._said(module)

    def _wanted(self) -> str:
        """What a part has to say. All DiagnosticErrors read alike: the failure is run once more."""
        if type(self.error).__name__ == DIAGNOSTIC:
            said = self._said(self.place.before)
            if said is not None and said.startswith(f"{DIAGNOSTIC}: "):
                return said
        return signature(self.error)

    def _said(self, module: Any) -> str | None:
        try:
            self.attempt(module)
        except Exception as error:
            return signature(error)
        return None


class BuildSurvey(Survey):
    """For what fails below Relay, after fusion: builds parts of the fused functions."""

    def _ops(self) -> Sequence[int]:
        return [op for function in self.parts.fused() for op in function]

    def _judged(self, budget: Budget) -> Judged:
        """Build each distinct function; then, of one that fails, one op after the other."""
        judge = self._judge(budget)
        judged = Judged()
        known: dict[str, list[int]] = {}
        for ops in self.parts.fused():
            whole = Part(ops[-1], frozenset(ops))
            key = str(tvm.ir.structural_hash(self.parts.module(whole)))
            if key in known:
                _copy(judged, known[key], ops)
                continue
            if budget.spent:
                continue
            known[key] = ops
            # A function with several results is not one part.
            if slice_to(ops[-1], self.parts.producers, _never) == whole and judge(whole) is None:
                judged.said.update(dict.fromkeys(ops))
                continue
            found = judge_all(ops, self.parts.producers, _never, judge, budget)
            judged.said.update(found.said)
            judged.unjudged.update(found.unjudged)
        return judged

    def _pass_name(self) -> str:
        return reproducer.BUILD


def _never(op: int) -> bool:
    return False


def _copy(judged: Judged, known: Sequence[int], ops: Sequence[int]) -> None:
    """What was said of a function holds for one that is the same."""
    for old, new in zip(known, ops):
        if old in judged.said:
            judged.said[new] = judged.said[old]
        elif old in judged.unjudged:
            judged.unjudged[new] = judged.unjudged[old]


def survey(
    path: Sequence[OpenPass],
    error: BaseException,
    target: Any,
    wrap: Wrap = as_it_is,
    memo: Memo | None = None,
    map_seconds: float = MAP_SECONDS,
    reduce_seconds: float = REDUCE_SECONDS,
) -> Survey:
    """A survey of the pass that failed. Raises NotSliceable with the reason where there is none.

    `wrap` says how to run an experiment, `memo` what is known already; both times are limits.
    """
    place = failing_relay_pass(path)
    if place is None:
        raise NotSliceable("it failed in no pass on a Relay module")
    attempt = pass_by_name(place.name, target)
    kind = Survey
    if attempt is None:
        attempt, kind = building(target), BuildSurvey
    made = kind(place, wrap(quiet(attempt)), error, target, memo, map_seconds, reduce_seconds)
    if kind is BuildSurvey and not made.parts.fused():
        raise NotSliceable(f"{place.name} cannot be run on its own")
    return made


def _typed(module: Any) -> Any:
    """The module with the types of all its nodes: inputs of a part need theirs."""
    try:
        with unheard([]):
            return relay.transform.InferType()(module)
    except (tvm.TVMError, ValueError, TypeError) as error:
        raise NotSliceable(f"its ops have no types: {last_line(error)}") from error
