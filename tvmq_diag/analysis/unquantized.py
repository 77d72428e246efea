"""The ops that still compute in float when the quantizer is done, each with the reason.

A reason is what the table and the settings of the quantizer establish, by what is known of its
rules (tvmq_diag.trace.ops.Quantizer); where they establish nothing, that is what is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..trace.ops import WEIGHTED
from ..trace.snapshot import Node, Snapshot, is_float, is_integer
from .reasons import in_float, lookup


@dataclass(frozen=True)
class Unquantized:
    """An anchor op that reads float at the end, and why; `index` is in running order, from 0.

    `setting` is the quantizer's that keeps it in float, None where none does.
    """

    index: int
    op: str
    span: str | None
    reason: str
    setting: str | None = None


def unquantized(
    module: Snapshot, qconfig: Mapping[str, object], warnings: Sequence[str] = ()
) -> list[Unquantized]:
    """The anchors of a quantized module that read float, in running order.

    `qconfig` holds the quantizer's settings, as far as they were recorded; `warnings` what TVM
    warned of.
    """
    rules = module.vocabulary.quantizer
    numbers = _numbers(module)
    remaining = []
    ended = False
    for index, call in enumerate(module.executed()):
        if module.vocabulary.anchor_kind(call.op) is None or not _reads_float(module, call):
            continue
        ends = call.op == rules.ends and _was_integer(module, call)
        setting = None
        if ended or ends:
            here = in_float.ENDS_HERE.clause.format(rules.ends_by)
            behind = in_float.ENDED.clause.format(rules.ends, rules.ends_by)
            reason = here if ends and not ended else behind
        else:
            kept = _by_setting(module, call, numbers.get(call.number), qconfig)
            setting, reason = kept or (None, _by_rule(module, call, qconfig, warnings))
        if not module.rescales(call):
            remaining.append(Unquantized(index, call.op, call.span, reason, setting))
        ended |= ends
    return remaining


def _numbers(module: Snapshot) -> dict[int, int]:
    """The numbers, by row, that the quantizer's settings know its main operators by."""
    numbered = module.vocabulary.quantizer.numbered
    counted = (call.number for call in module.calls if call.op in numbered)
    return {row: number for number, row in enumerate(counted)}


def _by_setting(
    module: Snapshot, call: Node, number: int | None, qconfig: Mapping[str, object]
) -> tuple[str | None, str] | None:
    """The setting that keeps an op in float, if one does, and that in a clause.

    The setting is None where the op would not be quantized without it either.
    """
    rules = module.vocabulary.quantizer
    listed = qconfig.get(rules.skip)
    prefix = f"{module.vocabulary.dialect}."
    skipped = [str(i).removeprefix(prefix) for i in listed] if isinstance(listed, list) else []
    listed_as = next((name for name in (str(number), call.op) if name in skipped), None)
    if listed_as is not None:
        clause = in_float.LISTED.clause.format(rules.skip, listed_as)
        return _unless_rejected(module, call, rules.skip, clause)
    switch = rules.switches.get(call.op)
    if switch is None or not qconfig.get(switch):
        return None
    return _unless_rejected(module, call, switch, in_float.SWITCHED.clause.format(switch))


def _unless_rejected(
    module: Snapshot, call: Node, setting: str, clause: str
) -> tuple[str | None, str]:
    """A setting and its clause; no setting, where the quantizer would reject the op without it."""
    if not module.vocabulary.quantizer.wants_constants or _has_constant_weight(module, call):
        return setting, clause
    return None, f"{clause}, {in_float.UNCALIBRATED.clause}"


def _has_constant_weight(module: Snapshot, call: Node) -> bool:
    if module.vocabulary.anchor_kind(call.op) not in WEIGHTED or len(call.inputs) < 2:
        return True
    return module.nodes[call.inputs[1]].kind == "constant"


def _by_rule(
    module: Snapshot, call: Node, qconfig: Mapping[str, object], warnings: Sequence[str]
) -> str:
    """What the quantizer's rules say of an op in float that no setting keeps there."""
    rules = module.vocabulary.quantizer
    operands = [module.nodes[i] for i in call.inputs]
    if call.op in rules.passed_over:
        return lookup.of_warnings(warnings) or rules.passed_over[call.op]
    if call.op not in rules.rules:
        return in_float.NO_RULE.clause.format(call.op)
    others = [o.dtype for o in operands if is_float(o.dtype) and o.dtype not in rules.floats]
    if rules.floats and others:
        return in_float.OTHER_FLOATS.clause.format(others[0])
    if any(operand.op in module.vocabulary.dequantize for operand in operands):
        form = qconfig.get("realize")
        return in_float.ON_DEQUANTIZED.clause + (f" (realize={form})" if form else "")
    if call.op in rules.float_with_constant and any(o.kind == "constant" for o in operands):
        return in_float.ADDS_CONSTANT.clause
    if call.op in rules.following and not any(_from_integers(module, o) for o in operands):
        return in_float.READS_FLOAT.clause
    shapes = {operand.shape for operand in operands}
    if call.op in rules.same_shape and None not in shapes and len(shapes) > 1:
        return in_float.OTHER_SHAPES.clause
    return in_float.UNKNOWN.clause


def _reads_float(module: Snapshot, call: Node) -> bool:
    return bool(call.inputs) and is_float(module.nodes[call.inputs[0]].dtype)


def _was_integer(module: Snapshot, call: Node) -> bool:
    """Is what it reads a rescaled integer, as of a quantized value that an op reads in float?"""
    words = module.vocabulary
    node = module.nodes[call.inputs[0]]
    while node.op in (words.rescaling | words.casts) and is_float(node.dtype) and node.inputs:
        node = module.nodes[node.inputs[0]]
    return not is_float(node.dtype)


def _from_integers(module: Snapshot, value: Node) -> bool:
    """Is it computed from integers, by nothing but what a quantizer's rules hand values on by?"""
    words = module.vocabulary
    handing_on = words.quantizer.following | words.rescaling | words.casts | words.dequantize
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if is_integer(node.dtype) and node.kind == "call":
            return True
        if node.number not in seen and node.op in handing_on:
            seen.add(node.number)
            waiting += [module.nodes[i] for i in node.inputs]
    return False
