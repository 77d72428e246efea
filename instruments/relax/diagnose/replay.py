"""Replay a failed pass on parts of the module it failed on: which op, and which knob?

Works on Relax. The pass is rebuilt by its name, as PassInfo carries no pass object, and runs
without our instruments, under the same qconfig and target. What fails in no pass of TVM's, while it
generates code or runs, is put as a pass of our own: BUILD and RUN, of the module before lowering
(see passes.Whole).
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from typing import Any, Mapping, Sequence

import tvm_ffi
from tvm import relax

from ...diagnosis.first_failing import first_failing
from ...diagnosis.reduction import NotSliceable, Part
from ...diagnosis.signature import (
    Attempt,
    Blame,
    Culprit,
    Wrap,
    as_it_is,
    signature,
)
from ...protocol.schema import FOLDING, SEQUENCE
from ...recording.open_pass import OpenPass
from ...sandbox import Died
from ...tvm_types import IRModule, Target
from .. import passes
from ..ir.op_table import has_graph, operator_of
from ..ir.parts import Parts
from ..passes import WHOLE
from . import legalizing

REFERENCE: Mapping[str, Any] = {
    "dtype_input": "int8",
    "dtype_weight": "int8",
    "dtype_activation": "int32",
}
"""The quantizer's own default."""

NAMED = "the exception names it"
WATCHED = "replay, its legalizer watched"
ALONE = "each op compiled alone"
ALONE_SECONDS = 20.0
"""How long ops are compiled one by one; then a prefix of the module, and ever shorter ones."""


def blame(
    path: Sequence[OpenPass], error: BaseException, target: Target, wrap: Wrap = as_it_is
) -> Blame | None:
    """The op that the failure comes from; None if it cannot be told."""
    place = failing_pass(path)
    blamed = None if place is None else _blamed(place, error, target, wrap)
    if place is None or blamed is None:
        return None
    return dataclasses.replace(blamed, snapshot=place.snapshot)


def _blamed(place: OpenPass, error: BaseException, target: Target, wrap: Wrap) -> Blame | None:
    parts = Parts(place.before)
    named = named_call(error)
    number = None if named is None else parts.number(named)
    if number is not None:
        return _blame(parts, number, 0, 0.0, NAMED)
    wanted = signature(error)
    attempt = passes.of(place, target, error)
    if attempt is None:
        return None
    if place.name == "LegalizeOps" and not isinstance(error, Died):
        number = _watched(parts, attempt, wanted)
        if number is not None:
            return _blame(parts, number, 1, 0.0, WATCHED)
    attempt = wrap(attempt)
    if place.name in WHOLE:
        blamed = _first_alone(parts, attempt, wanted)
        if blamed is not None:
            return blamed
    result = first_failing(len(parts.calls), lambda count: _fails(attempt, parts, count, wanted))
    if result.index is None:
        return None
    return _blame(parts, result.index, result.runs, result.ms, "replay")


def why_not(path: Sequence[OpenPass]) -> str:
    """Why `blame` found nothing."""
    place = failing_pass(path)
    if place is None:
        return "it failed in no pass on a Relax module"
    if passes.of(place, None) is None:
        return f"{place.name} cannot be run on its own"
    if place.name in WHOLE:
        return f"done again without our schedules, {place.name} does not fail in the same way"
    return "replayed on its own, the pass does not fail in the same way"


def culprit(
    path: Sequence[OpenPass],
    blamed: Blame,
    error: BaseException,
    target: Target,
    wrap: Wrap = as_it_is,
) -> Culprit | None:
    """Not looked for: each op of Relax has a type of its own, and is refused at once."""
    return None


def knobs(
    path: Sequence[OpenPass],
    blamed: Blame,
    error: BaseException,
    target: Target,
    wrap: Wrap = as_it_is,
) -> list[str] | None:
    """The dtype fields each of which, set alone, makes the pass fail in the same way.

    None where that cannot be told: only passes of the quantizer read the configuration.
    """
    from .. import quantizer

    place, requested = failing_pass(path), quantizer.current()
    attempt = passes.of(place, target, error) if place else None
    if (
        place is None
        or attempt is None
        or requested is None
        or not place.name.startswith("Quantize")
    ):
        return None
    parts, wanted = Parts(place.before), signature(error)
    attempt = wrap(attempt)
    reference = dataclasses.replace(requested, **REFERENCE)
    with reference:
        if _fails(attempt, parts, blamed.index + 1, wanted):
            return []  # whatever the fields say
    guilty: list[str] = []
    for name, default in REFERENCE.items():
        if getattr(requested, name) == default:
            continue
        with dataclasses.replace(reference, **{name: getattr(requested, name)}):
            if _fails(attempt, parts, blamed.index + 1, wanted):
                guilty.append(name)
    return guilty


def failing_pass(path: Sequence[OpenPass]) -> OpenPass | None:
    """The deepest open pass on a Relax module; constant folding's own passes do not count."""
    deepest = None
    for opened in path:
        if opened.name not in (SEQUENCE, "_pipeline") and has_graph(opened.before):
            deepest = opened
        if opened.name == FOLDING:
            break
    return deepest


def named_call(error: BaseException) -> Any:
    """The call that the exception says it is about; None if it says nothing.

    It may be one that a pass has just made.
    """
    thrown = getattr(error, "__tvm_ffi_error__", None)
    visited = getattr(getattr(thrown, "extra_context", None), "reverse_visit_pattern", None)
    innermost = visited[0] if visited else None
    return innermost if isinstance(innermost, relax.Call) else None


def fingerprint(module: IRModule) -> str:
    """The same for modules that differ in names and in what their weights hold."""
    digest = tvm_ffi.structural_hash(module, map_free_vars=True, skip_tensor_content=True)
    return f"{digest & (2**64 - 1):016x}"


def _watched(parts: Parts, attempt: Attempt, wanted: str) -> int | None:
    with legalizing.watched(parts.calls) as turn:
        try:
            attempt(parts.source)
        except Exception as error:
            return turn.of(parts.calls) if signature(error) == wanted else None
    return None


def _first_alone(parts: Parts, attempt: Attempt, wanted: str) -> Blame | None:
    """The first op, in running order, that fails when it is all there is."""
    tried: set[str] = set()
    until = time.perf_counter() + ALONE_SECONDS

    def fails(number: int) -> bool:
        if time.perf_counter() > until:
            return False
        try:
            module = parts.module(Part(number, frozenset({number})))
        except NotSliceable:
            return False
        key = fingerprint(module)
        if key in tried:
            return False
        tried.add(key)
        return _says(attempt, module) == wanted

    with passes.clock() as clock:
        guilty = next((number for number in range(len(parts.calls)) if fails(number)), None)
    return None if guilty is None else _blame(parts, guilty, len(tried), clock.ms, ALONE)


def _fails(attempt: Attempt, parts: Parts, count: int, wanted: str) -> bool:
    with contextlib.suppress(NotSliceable):
        return _says(attempt, parts.prefix(count)) == wanted
    return False


def _says(attempt: Attempt, module: IRModule) -> str | None:
    try:
        attempt(module)
    except Exception as error:
        return signature(error)
    return None


def _blame(parts: Parts, number: int, runs: int, ms: float, how: str) -> Blame:
    call = parts.calls[number]
    return Blame(parts.rows[number], number, operator_of(call), None, runs, ms, how)
