"""Two dtypes that meet in a rescaling, where an op that joins two values made one of them."""

from __future__ import annotations

import re

from ..trace.ops import short
from ..trace.snapshot import Node, Snapshot
from ..trace.trace import Trace

_MIX = re.compile(r"data types (\w+) and (\w+) do not match")


def joined(trace: Trace, message: str | None) -> str | None:
    """That what the blamed quantization step rescales is still of the inputs' dtype, as the op that
    joined it took that of the second of two operands: in a clause. None where it is not so."""
    module, blamed = trace.failing_snapshot(), trace.blamed()
    match = _MIX.search(message or "")
    if module is None or blamed is None or match is None:
        return None
    narrow, wide = (trace.facts.qconfig.get(f"dtype_{name}") for name in ("input", "activation"))
    if not module.vocabulary.is_step(blamed[1].op) or set(match.groups()) != {narrow, wide}:
        return None
    node = _joint(module, blamed[1])
    if node is None or not _second_is(module, node, narrow):
        return None
    number = next(i for i, call in enumerate(module.executed()) if call.number == node.number)
    # src/relay/quantize/realize.cc: UnifyDTypeScale, and what QuantizeRealize adds before it shifts
    return (
        f"{short(node.op)} #{number} makes {narrow}, as the second of its two operands is; the "
        f"rescaling behind it adds {wide}"
    )


def _joint(module: Snapshot, step: Node) -> Node | None:
    """The joining op whose result comes to a step, through ops that read nothing else."""
    joins = module.vocabulary.quantizer.joins
    node = module.nodes[step.inputs[0]]
    while node.op not in joins:
        if node.kind != "call" or len(node.inputs) != 1:
            return None
        node = module.nodes[node.inputs[0]]
    return node


def _second_is(module: Snapshot, joint: Node, dtype: object) -> bool:
    """Does it join two values, the second of which has a hint of that dtype?"""
    operands = [row for read in joint.inputs for row in module.nodes[read].inputs]
    if len(operands) != 2:
        return False
    node = module.nodes[operands[1]]
    while module.vocabulary.is_note(node.op) and "dtype" not in node.attrs:
        node = module.nodes[node.inputs[0]]
    return module.vocabulary.is_note(node.op) and node.attrs["dtype"] == dtype
