"""The ops that still compute in float when the quantizer is done, each with the reason.

A reason is what the table and the settings of the quantizer establish, by what is known of its
rules (tvmq_diag.trace.ops.Quantizer); where they establish nothing, that is what is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..trace.snapshot import Node, Snapshot, is_float, is_integer

READS_FLOAT = "what it reads was left in float"


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


def unquantized(module: Snapshot, qconfig: Mapping[str, object]) -> list[Unquantized]:
    """The anchors of a quantized module that read float, in running order.

    `qconfig` holds the quantizer's settings, as far as they were recorded.
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
            where = "here" if ends and not ended else f"behind the first {rules.ends}"
            reason = f"quantization ends {where} ({rules.ends_by})"
        else:
            kept = _by_setting(module, call, numbers.get(call.number), qconfig)
            setting, reason = kept or (None, _by_rule(module, call, qconfig))
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
) -> tuple[str, str] | None:
    """The setting that keeps an op in float, if one does, and that in a clause."""
    rules = module.vocabulary.quantizer
    listed = qconfig.get(rules.skip)
    prefix = f"{module.vocabulary.dialect}."
    skipped = [str(i).removeprefix(prefix) for i in listed] if isinstance(listed, list) else []
    if number is not None and str(number) in skipped:
        return rules.skip, f"{rules.skip} holds {number}"
    if call.op in skipped:
        return rules.skip, f"{rules.skip} holds {call.op}"
    switch = rules.switches.get(call.op)
    return (switch, f"{switch} is set") if switch is not None and qconfig.get(switch) else None


def _by_rule(module: Snapshot, call: Node, qconfig: Mapping[str, object]) -> str:
    """What the quantizer's rules say of an op in float that no setting keeps there."""
    rules = module.vocabulary.quantizer
    operands = [module.nodes[i] for i in call.inputs]
    if call.op in rules.passed_over:
        return rules.passed_over[call.op]
    if call.op not in rules.rules:
        return f"the quantizer has no rule for {call.op}"
    if any(operand.op in module.vocabulary.dequantize for operand in operands):
        form = qconfig.get("realize")
        return "it computes on dequantized values" + (f" (realize={form})" if form else "")
    if call.op in rules.float_with_constant and any(o.kind == "constant" for o in operands):
        return "the quantizer adds constants in float"
    if call.op in rules.following and not any(_from_integers(module, o) for o in operands):
        return READS_FLOAT
    return rules.otherwise


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
