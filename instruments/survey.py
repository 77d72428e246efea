"""Beyond the first rejected op: each op's own verdict, and the smallest module that fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

import tvm
from tvm import relay

from . import reproducer
from .open_pass import OpenPass
from .parts import Parts
from .reduce import Budget, NotSliceable, Part, judge_all, reduce
from .relay import settings
from .replay import (
    REFERENCE,
    Attempt,
    Blame,
    failing_relay_pass,
    last_line,
    pass_by_name,
    signature,
)

MAP_SECONDS = 20.0
REDUCE_SECONDS = 10.0


@dataclass
class Map:
    """What the failing pass says of each op alone. Numbers are rows of the op table.

    `left` ops were not reached before the time was up.
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
    """Runs the failing pass on parts of the module it failed on, under the qconfig in force."""

    def __init__(
        self, place: OpenPass, attempt: Attempt, error: BaseException, target: Any
    ) -> None:
        self.place = place
        self.error = error
        self.target = target
        self._attempt = attempt
        # The parts need their inputs' types.
        self.parts = Parts(relay.transform.InferType()(place.before))

    def map(self) -> Map | None:
        """Every op's own verdict; None where there are no quantization steps to slice at."""
        parts = self.parts
        if not any(parts.boundary(call) for call in range(len(parts.calls))):
            return None
        budget = Budget(MAP_SECONDS)
        judged = judge_all(
            range(len(parts.calls)), parts.producers, parts.boundary, self._judge, budget
        )
        rows = parts.rows
        return Map(
            accepted=[rows[op] for op, said in judged.said.items() if said is None],
            rejected=[(rows[op], said) for op, said in judged.said.items() if said is not None],
            unjudged=[(rows[op], why) for op, why in judged.unjudged.items()],
            left=len(rows) - len(judged.said) - len(judged.unjudged),
            queries=budget.queries,
            ms=budget.ms,
        )

    def smallest(self, blame: Blame, versions: dict[str, str]) -> Smallest | None:
        """The smallest part around the blamed op that fails in the same way; None if none does."""
        budget = Budget(REDUCE_SECONDS)
        found = reduce(
            blame.index, self.parts.producers, self._experiment, signature(self.error), budget
        )
        if found is None:
            return None
        source = self._source(found.part, versions) if found.deterministic else None
        return Smallest(
            calls=len(found.part.kept),
            of=len(self.parts.calls),
            queries=found.queries,
            ms=found.ms,
            complete=found.complete,
            deterministic=found.deterministic,
            source=source,
        )

    def _source(self, part: Part, versions: dict[str, str]) -> str:
        return reproducer.source(
            self.place.name,
            relay.transform.InferType()(self.parts.module(part)),
            relay.quantize.current_qconfig(),
            self.target,
            last_line(self.error),
            versions,
        )

    def _judge(self, part: Part) -> str | None:
        """With its control: what fails at TVM's own default too is not the dtypes' fault."""
        said = self._experiment(part)
        if said is not None:
            asked = settings(relay.quantize.current_qconfig())
            with relay.quantize.qconfig(**{**asked, **REFERENCE}):
                control = self._experiment(part)
            if control is not None:
                raise NotSliceable(f"alone it fails at int8/int8/int32 too: {control}")
        return said

    def _experiment(self, part: Part) -> str | None:
        module = self.parts.module(part)
        try:
            relay.transform.InferType()(module)
        except (tvm.TVMError, ValueError, TypeError) as error:
            raise NotSliceable(f"ill-typed on its own: {last_line(error)}") from error
        try:
            self._attempt(module)
        except Exception as error:
            return signature(error)
        return None


def survey(path: Sequence[OpenPass], error: BaseException, target: Any) -> Survey | None:
    """A survey of the pass that failed; None if it cannot be run on its own."""
    place = failing_relay_pass(path)
    attempt = pass_by_name(place.name, target) if place is not None else None
    if place is None or attempt is None:
        return None
    return Survey(place, attempt, error, target)
