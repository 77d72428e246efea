"""Every op's own verdict and the smallest module that fails, on Relax: see diagnosis.survey."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Any, Callable, ContextManager, Sequence

from ...diagnosis.reduction import Experiment, NotSliceable, Part
from ...diagnosis.signature import Attempt, Wrap, as_it_is, signature
from ...diagnosis.survey import MAP_SECONDS, REDUCE_SECONDS, Memo
from ...diagnosis.survey import Survey as SharedSurvey
from ...recording.open_pass import OpenPass
from ...sandbox import Died
from ...tvm_types import Target
from .. import passes, quantizer
from ..ir.parts import Parts
from . import reproducer
from .replay import REFERENCE, failing_pass, fingerprint, named_call

_TURNS = 3
"""A death counts when it comes so many times in a row: the reproducer has to die too."""


class Survey(SharedSurvey):
    """Of a pass on Relax, or of the whole compile. Raises NotSliceable where no part can be had."""

    def __init__(
        self,
        place: OpenPass,
        attempt: Attempt,
        plain: Attempt,
        error: BaseException,
        target: Target,
        memo: Memo | None = None,
        map_seconds: float = MAP_SECONDS,
        reduce_seconds: float = REDUCE_SECONDS,
    ) -> None:
        parts = Parts(place.before)
        if parts.in_order_only:
            raise NotSliceable("its ops write to buffers: none can be left out")
        super().__init__(place, attempt, error, target, parts, memo, map_seconds, reduce_seconds)
        self._plain = plain
        self._foldable = parts.foldable()

    def experiment(self, part: Part) -> str | None:
        module = self.parts.module(part)
        if self.folds and not part.kept & self._foldable:
            return None  # it leaves them as they are
        key = (fingerprint(module), part.turn, quantizer.current())
        return self.once(key, lambda: self.failure_of(module))

    def reference(self) -> ContextManager[Any]:
        requested = quantizer.current()
        if requested is None:
            return contextlib.nullcontext()
        reference: ContextManager[Any] = dataclasses.replace(requested, **REFERENCE)
        return reference

    def failing(self, experiment: Experiment) -> Callable[[Part], bool]:
        once = super().failing(experiment)
        if not self._dies:
            return once
        return lambda part: all(once(dataclasses.replace(part, turn=n)) for n in range(_TURNS))

    def source(self, part: Part, versions: dict[str, str]) -> str | None:
        if self.place.made and not self._fails_by_name(part):
            return None  # a file would have to make the pass as the script did
        pipeline = getattr(self.place, "pipeline", "default")
        failure = reproducer.Failure(
            self.place.name, self.target, self.message, self._dies, versions, pipeline
        )
        try:
            if self.place.name.startswith("Quantize"):
                return reproducer.of_call(self._refused(part), failure)
            return reproducer.of_part(self.parts, part, failure)
        except NotSliceable:
            return None

    def _fails_by_name(self, part: Part) -> bool:
        """Does the pass fail with the arguments it has by default, as a file would make it?"""
        attempt = passes.by_name(self.place.name, self.target)
        if attempt is None:
            return False
        try:
            attempt(self.parts.module(part))
        except Exception as error:
            return signature(error) == self.wanted
        return False

    @property
    def _dies(self) -> bool:
        return self.wanted == signature(Died())

    def _refused(self, part: Part) -> Any:
        """The call that the quantizer made and TVM refused: that needs no quantizer to fail."""
        if not self._dies:
            try:
                self._plain(self.parts.module(part))
            except Exception as error:
                call = named_call(error)
                if call is not None and signature(error) == self.wanted:
                    return call
        raise NotSliceable("it fails in the quantizer, which TVM has not")


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
    place = failing_pass(path)
    if place is None:
        raise NotSliceable("it failed in no pass on a Relax module")
    plain = passes.of(place, target, error)
    if plain is None:
        raise NotSliceable(f"{place.name} cannot be run on its own")
    return Survey(place, wrap(plain), plain, error, target, memo, map_seconds, reduce_seconds)
