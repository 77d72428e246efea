"""Where a value crosses from one dtype to another between two ops of the model.

The quantizer writes casts, clips, rounds and rescalings between them: here one looks through those.
"""

from __future__ import annotations

import re

from ..trace.graph import RESULT, Graph, Op, Operand
from ..trace.snapshot import is_float, is_integer

_DTYPE = re.compile(r"\b(?:bfloat|float|u?int|bool)\d*\b")


def cast_from(graph: Graph, op: Op) -> str | None:
    """In which dtype the model made what an op reads, where it reads it in another; else None.

    Of several such operands the first tells; constants are told by what they are.
    """
    for operand in op.operands:
        source = _source(graph, operand)
        made, read = _dtype(source.type), _dtype(operand.type)
        if source.constant is None and None not in (made, read) and made != read:
            return made
    return None


def back_to(graph: Graph, op: Op) -> str | None:
    """The float that the integers of an op become before the next op that one knows reads them.

    Of the model's other ops (an activation) one looks behind. None where they stay integers, or are
    none.
    """
    if not is_integer(op.node.dtype):
        return None
    waiting, seen = [op], {op.index}
    while waiting:
        at = waiting.pop()
        for user in (graph.ops[number] for number in at.users):
            if user.of_model and is_float(at.node.dtype):
                return at.node.dtype
            known = user.of_model and (user.anchor_kind is not None or user.name == RESULT)
            if not known and user.index not in seen:
                seen.add(user.index)
                waiting.append(user)
    return None


def _source(graph: Graph, operand: Operand) -> Operand:
    """What the model, or a constant, gives an operand, before the quantizer's own ops."""
    while operand.op is not None:
        op = graph.ops[operand.op]
        if op.of_model and not op.vocabulary.is_note(op.name):
            break
        data = [one for one in op.operands if _dtype(one.type) != "bool"]  # no condition
        if not data:
            break
        operand = data[0]
    return operand


def _dtype(type_: str) -> str | None:
    found = _DTYPE.match(type_)
    return found.group() if found else None
