"""The op that handed on what the op that failed could not take, proven by replay.

A step of the quantizer takes for granted that what it reads is in dtype_activation, and an op whose
operands are of two dtypes hands on another one: UnifyDTypeScale (src/relay/quantize/realize.cc)
takes int8 for both operands where the second is int8. With a cast_hint behind that op, which is how
TVM itself asks for a dtype, the pass goes through. Of an If, which no rule of the quantizer knows,
the proof is a parameter in its place.
"""

from __future__ import annotations

from typing import Any, Callable, Iterator, Sequence

import tvm
from tvm import relay

from ...diagnosis.signature import Attempt, Culprit
from ...tvm_types import Call, Expr, IRModule
from ..ir.prefix import prefix

_NOTE = "annotation."
"""In the names of what the quantizer itself writes into a model."""


def culprit(
    calls: Sequence[Call], failing: int, attempt: Attempt, dtype: str | None
) -> Culprit | None:
    """The op to blame before the call of that number, at which the attempt fails; None if it is
    that one, or it cannot be told. `dtype` is dtype_activation; None: only an If is looked for."""
    branch = next((a for a in calls[failing].args if isinstance(a, relay.If)), None)
    if branch is not None:
        variable = relay.Var("joined", branch.checked_type)
        module = prefix(_with(calls[: failing + 1], branch, lambda _: variable))
        return Culprit(None, "if", None) if _passes(attempt, module) else None
    if dtype is None:
        return None
    numbers = {hash(call): number for number, call in enumerate(calls)}
    result = None
    for producer in _producers(calls[failing]):
        hinted = _with(calls[: failing + 1], producer, lambda made: _cast_hint(made, dtype))
        if not _passes(attempt, prefix(hinted)):
            continue
        result = Culprit(numbers[hash(producer)], str(producer.op.name), dtype)
    return result  # the last is the furthest from the failing call: others only hand its value on


def _producers(call: Call) -> Iterator[Call]:
    """The calls that a call reads from, nearest first, up to notes and steps of the quantizer."""
    waiting, seen = list(call.args[:1]), set()
    while waiting:
        node = waiting.pop(0)
        if hash(node) in seen:
            continue
        seen.add(hash(node))
        if isinstance(node, relay.Tuple):
            waiting.extend(node.fields)
        elif isinstance(node, relay.TupleGetItem):
            waiting.append(node.tuple_value)
        elif _is_of_the_model(node):
            yield node
            waiting.extend(node.args)


def _is_of_the_model(node: Expr) -> bool:
    """Is it a call of an operator that the quantizer did not write into the model itself?"""
    operator = node.op if isinstance(node, relay.Call) else None
    return isinstance(operator, tvm.ir.Op) and _NOTE not in str(operator.name)


def _with(calls: Sequence[Call], old: Expr, change: Callable[[Any], Any]) -> list[Any]:
    """The calls with a node among them, or among what they read, changed for all who read it."""
    copies: dict[int, Any] = {} if isinstance(old, relay.Call) else {hash(old): change(old)}
    result: list[Any] = []

    def use(node: Expr) -> Any:
        if hash(node) in copies:
            return copies[hash(node)]
        if isinstance(node, relay.Tuple):
            return relay.Tuple([use(field) for field in node.fields])
        if isinstance(node, relay.TupleGetItem):
            return relay.TupleGetItem(use(node.tuple_value), node.index)
        return node

    for call in calls:
        copy = relay.Call(call.op, [use(argument) for argument in call.args], call.attrs)
        result.append(copy)
        if hash(call) == hash(old):
            copy = change(copy)
            result.append(copy)
        copies[hash(call)] = copy
    return result


def _cast_hint(value: Expr, dtype: str) -> Any:
    """As attach_simulated_quantize's own (src/relay/op/annotation/annotation.cc)."""
    attrs = tvm.ir.make_node("relay.attrs.CastHintAttrs", dtype=dtype)
    return relay.Call(relay.op.get("annotation.cast_hint"), [value], attrs)


def _passes(attempt: Attempt, module: IRModule) -> bool:
    try:
        attempt(module)
    except Exception:
        return False
    return True
