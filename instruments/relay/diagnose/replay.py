"""Replay a failed pass on parts of the module it failed on: which op, and which knob?

Works on Relay. The pass is rebuilt by its name, as PassInfo carries no pass object, and runs
without our instruments, under the same qconfig and target.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any, Sequence

import tvm
from tvm import relay

from ...diagnosis.first_failing import FirstFailing, first_failing
from ...diagnosis.reduction import NotSliceable, Part
from ...diagnosis.signature import (
    Attempt,
    Blame,
    Culprit,
    Wrap,
    as_it_is,
    signature,
)
from ...protocol.schema import FOLDING, SEQUENCE, TYPE_ONLY
from ...recording.open_pass import OpenPass
from ...tvm_types import Call, Expr, IRModule, Target
from ..ir.op_table import STAGE_OF_PASS, has_graph, nodes_of, settings
from ..ir.parts import Parts
from ..ir.prefix import calls_of, prefix
from ..passes import BUILD, attempts_at, building
from . import culprit as culprits
from . import regions

REFERENCE = {"dtype_input": "int8", "dtype_weight": "int8", "dtype_activation": "int32"}
"""TVM's own default (python/tvm/relay/quantize/quantize.py, QConfig._node_defaults)."""

ALONE = "each op built alone"
ALONE_SECONDS = 20.0


def blame(
    path: Sequence[OpenPass], error: BaseException, target: Target, wrap: Wrap = as_it_is
) -> Blame | None:
    """The first op with which the failing pass fails in the same way; None if it cannot be told."""
    place = failing_relay_pass(path)
    if place is None:
        return None
    attempt = attempt_at(place, error, target, wrap)
    wanted = signature(error)
    if place.name == BUILD:
        blamed = _blame_alone(place.before, wrap(building(target)), wanted)
        return blamed and dataclasses.replace(blamed, snapshot=place.snapshot)
    if attempt is not None:
        return _blame_prefix(place.before, wrap(attempt), wanted)
    return _blame_fused(place.before, target, wanted, wrap)


def why_not(path: Sequence[OpenPass]) -> str:
    """Why `blame` found nothing."""
    place = failing_relay_pass(path)
    if place is None:
        return "it failed in no pass on a Relay module"
    if place.name == BUILD:
        return "built alone, no op fails in the same way"
    return "replayed on its own, the pass does not fail in the same way"


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
    place = failing_relay_pass(path)
    attempt = attempt_at(place, error, target, wrap) if place else None
    if place is None or attempt is None or place.name not in STAGE_OF_PASS:
        return None
    calls = calls_of(place.before)
    module = prefix(calls[: blamed.index + 1])
    current = relay.quantize.current_qconfig()
    requested = settings(current)
    guilty: list[str] = []
    attempt = wrap(attempt)
    with relay.quantize.qconfig(**{**requested, **REFERENCE}):
        if _fails(attempt, module, signature(error)):
            return []  # whatever the fields say
    for name, default in REFERENCE.items():
        if requested[name] == default:
            continue
        with relay.quantize.qconfig(**{**requested, **REFERENCE, name: requested[name]}):
            if _fails(attempt, module, signature(error)):
                guilty.append(name)
    return guilty


def culprit(
    path: Sequence[OpenPass],
    blamed: Blame,
    error: BaseException,
    target: Target,
    wrap: Wrap = as_it_is,
) -> Culprit | None:
    """The op that handed on what the blamed op could not take; None if that is none, or unknown.

    Looked for in the quantizer's passes, and in what a qnn.quantize closes; other
    dtypes only where realize made ill-typed code.
    """
    place = failing_relay_pass(path)
    attempt = attempt_at(place, error, target, wrap) if place else None
    if place is None or attempt is None:
        return None
    if place.name == regions.PASS:
        return regions.culprit(calls_of(place.before), blamed.index, wrap(attempt), error)
    if not place.name.startswith("Quantize"):
        return None
    mixed = place.name == "QuantizeRealize" and isinstance(error, tvm.error.DiagnosticError)
    dtype = str(relay.quantize.current_qconfig().dtype_activation) if mixed else None
    typed = relay.transform.InferType()(place.before)
    return culprits.culprit(calls_of(typed), blamed.index, wrap(attempt), dtype)


def failing_relay_pass(path: Sequence[OpenPass]) -> OpenPass | None:
    """The deepest open pass on a Relay module that has done more than infer types.

    A pass that rewrites an op into something ill-typed fails in the InferType it runs at the end;
    what it was given says more. Passes that constant folding runs by itself do not count.
    """
    deepest = None
    for opened in path:
        more = deepest is None or opened.name != TYPE_ONLY
        if more and opened.name != SEQUENCE and has_graph(opened.before):
            deepest = opened
        if opened.name == FOLDING:
            break
    return deepest


def attempt_at(
    place: OpenPass, error: BaseException, target: Target, wrap: Wrap = as_it_is
) -> Attempt | None:
    """What does again what an open pass did: of several that it may have been, the first that fails
    on its module as it did, tried as `wrap` says. None where the pass cannot be had, as of one that
    wants arguments."""
    attempts = attempts_at(place, target)
    if len(attempts) < 2:
        return attempts[0] if attempts else None
    wanted = signature(error)
    return next((one for one in attempts if _fails(wrap(one), place.before, wanted)), None)


def _blame_prefix(module: IRModule, attempt: Attempt, wanted: str) -> Blame | None:
    calls = calls_of(module)
    result = _search(calls, attempt, wanted)
    if result.index is None:
        return None
    call = calls[result.index]
    return Blame(
        _row(module, call), result.index, _name(call), None, result.runs, result.ms, "replay"
    )


def _blame_fused(module: IRModule, target: Target, wanted: str, wrap: Wrap) -> Blame | None:
    """For lowering: build each fused function alone, then search inside the first that fails."""
    attempt = wrap(building(target))
    runs, ms = 0, 0.0
    seen = set()
    for call in calls_of(module):
        function = call.op
        if not isinstance(function, relay.Function):
            continue
        key = tvm.ir.structural_hash(function)
        if key in seen:
            continue
        seen.add(key)
        inner = calls_of(tvm.IRModule.from_expr(relay.Function(function.params, function.body)))
        result = _search(inner, attempt, wanted)
        runs, ms = runs + result.runs, ms + result.ms
        if result.index is not None:
            guilty = inner[result.index]
            within = " + ".join(_name(c) for c in inner)
            row = _row(module, guilty)
            index = calls_of(module).index(guilty)
            return Blame(
                row, index, _name(guilty), within, runs, ms, "replay of the fused function"
            )
    return None


def _blame_alone(module: IRModule, attempt: Attempt, wanted: str) -> Blame | None:
    """For generating code: the first op, in running order, that fails when it is all there is."""
    parts = Parts(relay.transform.InferType()(module))
    began = time.perf_counter()
    tried: set[int] = set()
    for number in range(len(parts.calls)):
        if time.perf_counter() - began > ALONE_SECONDS:
            break
        try:
            alone = parts.module(Part(number, frozenset({number})))
        except NotSliceable:
            continue
        key = tvm.ir.structural_hash(alone)
        if key not in tried and _fails(attempt, alone, wanted):
            ms = (time.perf_counter() - began) * 1e3
            name = _name(parts.calls[number])
            return Blame(parts.rows[number], number, name, None, len(tried) + 1, ms, ALONE)
        tried.add(key)
    return None


def _search(calls: Sequence[Any], attempt: Attempt, wanted: str) -> FirstFailing:
    return first_failing(len(calls), lambda k: _fails(attempt, prefix(calls[:k]), wanted))


def _fails(attempt: Attempt, module: IRModule, wanted: str) -> bool:
    try:
        attempt(module)
    except Exception as error:
        return signature(error) == wanted
    return False


def _row(module: IRModule, node: Expr) -> int:
    wanted = hash(node)
    return next(i for i, other in enumerate(nodes_of(module)) if hash(other) == wanted)


def _name(call: Call) -> str:
    return str(call.op.name) if isinstance(call.op, tvm.ir.Op) else type(call.op).__name__
