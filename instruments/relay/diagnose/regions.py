"""Which op of a region FakeQuantizationToInteger does not take.

The pass rewrites all that a qnn.quantize reads, back to qnn.dequantize, as a whole
(src/relay/transforms/fake_quantization_to_integer.cc), so that whatever fails in there surfaces at
the qnn.quantize that closes it. An op without a rule is in the registry of operators; one whose
rule raises is found by closing the region earlier: with the same qnn.quantize right behind it the
pass fails, behind each op before it the pass goes through.
"""

from __future__ import annotations

from typing import Any, Sequence

from tvm import relay

from ...diagnosis.signature import Attempt, Culprit, last_line, signature
from ...protocol import islands
from ...tvm_types import Call, Expr
from ..arrived import DEQUANTIZE, QUANTIZE, has_rule, name_of, region_of
from ..ir.prefix import prefix

PASS = "FakeQuantizationToInteger"


def culprit(
    calls: Sequence[Call], closing: int, attempt: Attempt, error: BaseException
) -> Culprit | None:
    """The op of the region that the call numbered `closing` closes at which the pass fails; None
    where that is no qnn.quantize, or it cannot be told."""
    close = calls[closing]
    if name_of(close) != QUANTIZE:
        return None
    region = {hash(node) for node in region_of(close)}
    inside = [(number, call) for number, call in enumerate(calls) if hash(call) in region]
    without = [(number, name_of(call)) for number, call in inside if not has_rule(call)]
    if without:
        named = [one for one in without if one[1] == last_line(error)]  # "… no rule for\nNAME"
        number, name = (named or without)[0]
        return Culprit(number, name, None, islands.WITHOUT_RULE.format(name, closing))
    return _with_a_rule(inside, close, attempt, signature(error))


def _with_a_rule(
    inside: Sequence[tuple[int, Call]], close: Call, attempt: Attempt, wanted: str
) -> Culprit | None:
    """By replay; None where a region closed behind one of the ops before cannot be judged."""
    for number, call in inside:
        if name_of(call) == DEQUANTIZE:
            continue
        message = _message(attempt, call, close)
        if message == wanted:
            name = name_of(call)
            return Culprit(number, name, None, islands.CLOSED_EARLY.format(name, number))
        if message is not None:
            return None
    return None


def _message(attempt: Attempt, call: Call, close: Expr) -> str | None:
    """What the pass says of a region that ends with this call; None where it goes through."""
    early = relay.Call(close.op, [call, *close.args[1:]], close.attrs)
    try:
        module: Any = prefix([early])
        attempt(module)
    except Exception as error:
        return signature(error)
    return None
