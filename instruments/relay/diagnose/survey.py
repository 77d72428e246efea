"""Every op's own verdict and the smallest module that fails, on Relay: see diagnosis.survey."""

from __future__ import annotations

from typing import Any, ContextManager, Sequence

import tvm
from tvm import relay

from ...diagnosis.reduction import (
    Budget,
    Judged,
    NotSliceable,
    Part,
    judge_all,
    slice_to,
)
from ...diagnosis.signature import Attempt, Wrap, as_it_is, last_line, signature
from ...diagnosis.survey import MAP_SECONDS, REDUCE_SECONDS, Memo
from ...diagnosis.survey import Survey as SharedSurvey
from ...recording.diagnostic_texts import DIAGNOSTIC, quiet, unheard
from ...recording.open_pass import OpenPass
from ...tvm_types import IRModule, Target
from ..ir.op_table import settings
from ..ir.parts import Parts
from ..passes import BUILD, building, pass_by_name
from . import reproducer
from .replay import REFERENCE, attempt_at, failing_relay_pass


class Survey(SharedSurvey):
    """Of a pass on Relay. Raises NotSliceable where no part can be had."""

    def __init__(
        self,
        place: OpenPass,
        attempt: Attempt,
        error: BaseException,
        target: Target,
        memo: Memo | None = None,
        map_seconds: float = MAP_SECONDS,
        reduce_seconds: float = REDUCE_SECONDS,
    ) -> None:
        parts = Parts(_typed(place.before))
        super().__init__(place, attempt, error, target, parts, memo, map_seconds, reduce_seconds)
        self.wanted = self._wanted()

    def experiment(self, part: Part) -> str | None:
        module = self.parts.module(part)
        current = relay.quantize.current_qconfig()
        dtypes = tuple(str(getattr(current, name)) for name in REFERENCE)
        key = (tvm.ir.structural_hash(module["main"], True), part.turn, dtypes)
        return self.once(key, lambda: self._tried(module))

    def _tried(self, module: IRModule) -> str | None:
        try:
            quiet(relay.transform.InferType())(module)
        except (tvm.TVMError, ValueError, TypeError) as error:
            raise NotSliceable(f"ill-typed on its own: {last_line(error)}") from error
        return self.failure_of(module)

    def reference(self) -> ContextManager[Any]:
        requested = settings(relay.quantize.current_qconfig())
        reference: ContextManager[Any] = relay.quantize.qconfig(**{**requested, **REFERENCE})
        return reference

    def source(self, part: Part, versions: dict[str, str]) -> str | None:
        if self.place.made and not self._fails_by_name(part):
            return None  # a file would have to make the pass as the script did
        try:
            return reproducer.source(
                self._pass_name(),
                relay.transform.InferType()(self.parts.module(part)),
                relay.quantize.current_qconfig(),
                self.target,
                self.message,
                versions,
            )
        except NotSliceable:
            return None

    def _fails_by_name(self, part: Part) -> bool:
        """Does the pass fail with the arguments it has by default, as a file would make it?"""
        attempt = pass_by_name(self.place.name, self.target)
        if attempt is None:
            return False
        try:
            quiet(attempt)(self.parts.module(part))  # as `wanted` was heard
        except Exception as error:
            return signature(error) == self.wanted
        return False

    def _pass_name(self) -> str:
        return self.place.name

    def _wanted(self) -> str:
        """What a part has to say. All DiagnosticErrors read alike: the failure is run once more."""
        if type(self.error).__name__ == DIAGNOSTIC:
            message = self.failure_of(self.place.before)
            if message is not None and message.startswith(f"{DIAGNOSTIC}: "):
                return message
        return self.wanted


class BuildSurvey(Survey):
    """For what fails below Relay, after fusion: builds parts of the fused functions."""

    def ops(self) -> Sequence[int]:
        return [op for function in self.parts.fused() for op in function]

    def judged(self, budget: Budget) -> Judged:
        """Build each distinct function; then, of one that fails, one op after the other."""
        judge = self.judge(budget)
        judged = Judged()
        alike: dict[str, list[int]] = {}
        for ops in self.parts.fused():
            whole = Part(ops[-1], frozenset(ops))
            key = str(tvm.ir.structural_hash(self.parts.module(whole)))
            if key in alike:
                _copy(judged, alike[key], ops)
                continue
            if budget.spent:
                continue
            alike[key] = ops
            # A function with several results is not one part.
            if slice_to(ops[-1], self.parts.producers, _never) == whole and judge(whole) is None:
                judged.answers.update(dict.fromkeys(ops))
                continue
            result = judge_all(ops, self.parts.producers, _never, judge, budget)
            judged.answers.update(result.answers)
            judged.unjudged.update(result.unjudged)
        return judged

    def _pass_name(self) -> str:
        return BUILD


def _never(op: int) -> bool:
    return False


def _copy(judged: Judged, source: Sequence[int], ops: Sequence[int]) -> None:
    """What was said of a function holds for one that is the same."""
    for old, new in zip(source, ops):
        if old in judged.answers:
            judged.answers[new] = judged.answers[old]
        elif old in judged.unjudged:
            judged.unjudged[new] = judged.unjudged[old]


def survey(
    path: Sequence[OpenPass],
    error: BaseException,
    target: Target,
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
    attempt = attempt_at(place, error, target, wrap)
    kind = Survey
    if attempt is None:
        attempt = building(target)
        kind = Survey if place.name == BUILD else BuildSurvey
    surveyor = kind(place, wrap(quiet(attempt)), error, target, memo, map_seconds, reduce_seconds)
    if kind is BuildSurvey and not surveyor.parts.fused():
        raise NotSliceable(f"{place.name} cannot be run on its own")
    return surveyor


def _typed(module: IRModule) -> Any:
    """The module with the types of all its nodes: inputs of a part need theirs."""
    try:
        with unheard([]):
            return relay.transform.InferType()(module)
    except (tvm.TVMError, ValueError, TypeError) as error:
        raise NotSliceable(f"its ops have no types: {last_line(error)}") from error
