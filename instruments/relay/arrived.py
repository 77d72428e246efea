"""Nets that arrive quantized: with qnn operators of their own, as QDQ ONNX and TFLite import."""

from __future__ import annotations

from typing import Any, Iterator

import tvm
from tvm import relay

from ..protocol import islands as clauses
from ..tvm_types import Call, Expr, IRModule
from .ir.prefix import calls_of

_RULE = "FTVMFakeQuantizationToInteger"
"""The attribute of operators that FakeQuantizationToInteger has a rule for
(python/tvm/relay/transform/fake_quantization_to_integer.py)."""

QUANTIZE, DEQUANTIZE = "qnn.quantize", "qnn.dequantize"


def quantized_ops(module: IRModule) -> list[str]:
    """The qnn operators of a module that read quantized values, in running order; empty for a net
    that is to be quantized.

    A qnn.quantize is none of them. Where there is nothing else, as of ONNX's DynamicQuantizeLinear
    and MatMulInteger, what reads its result casts it and computes in float.
    """
    names = [name_of(call) for call in calls_of(module)]
    return [name for name in names if name.startswith("qnn.") and name != QUANTIZE]


def to_integer(module: IRModule, params: dict[str, Any]) -> IRModule:
    """The module with FakeQuantizationToInteger run on it, its weights inside. Raises what TVM
    raises."""
    main = relay.build_module.bind_params_by_name(module["main"], params)
    typed = relay.transform.InferType()(tvm.IRModule.from_expr(main))
    return relay.transform.FakeQuantizationToInteger()(typed)


def islands(module: IRModule, folded: bool) -> list[dict[str, Any]]:
    """The calls that compute in float on dequantized values, in running order: `op`, `index` (of
    the call, from 0), `reason`, what keeps FakeQuantizationToInteger from making it an integer op,
    and `stops`, whether that is this op's own and no other's.

    `folded`: has the pass run? If not, a reason of None means that nothing can be seen before.
    """
    calls = calls_of(relay.transform.InferType()(module))
    regions = _Regions(calls)
    floating: set[Expr] = set()
    result = []
    for index, call in enumerate(calls):
        name = name_of(call)
        if name == DEQUANTIZE:
            floating.add(call)
        elif name != QUANTIZE and floating.intersection(_arguments(call)):
            floating.add(call)
            reason, stops = regions.reason(call)
            if reason is None and folded:
                reason, stops = clauses.NOT_TAKEN, True
            result.append({"op": name, "index": index, "reason": reason, "stops": stops})
    return result


class _Regions:
    """What FakeQuantizationToInteger rewrites as a whole, or not at all: all that a qnn.quantize
    reads, back to qnn.dequantize (src/relay/transforms/fake_quantization_to_integer.cc)."""

    def __init__(self, calls: list[Call]) -> None:
        self._numbers = {call: index for index, call in enumerate(calls)}
        self._regions = [set(region_of(call)) for call in calls if name_of(call) == QUANTIZE]

    def reason(self, call: Call) -> tuple[str | None, bool]:
        """Why a call stays as it is, and whether that is for itself."""
        if not has_rule(call):
            return clauses.NO_RULE, True
        stops = [self._stop(region) for region in self._regions if call in region]
        if not stops:
            return clauses.UNREAD, True
        return stops[0] if all(reason for reason, _ in stops) else (None, False)

    def _stop(self, region: set[Expr]) -> tuple[str | None, bool]:
        """What keeps a region from being rewritten: its first call without a rule, or an input."""
        without = [
            (number, call)
            for call, number in self._numbers.items()
            if call in region and not has_rule(call)
        ]
        if without:
            number, call = without[0]
            return clauses.BESIDE.format(name_of(call), number), False
        names = sorted(str(node.name_hint) for node in region if isinstance(node, relay.Var))
        if not names:
            return None, False
        return clauses.FLOAT_INPUT.format(names[0]), True


def region_of(quantize: Call) -> Iterator[Expr]:
    """All that a qnn.quantize reads, back to qnn.dequantize."""
    waiting: list[Expr] = [quantize.args[0]]
    seen: set[Expr] = set()
    while waiting:
        node = waiting.pop()
        if node in seen or (isinstance(node, relay.Call) and name_of(node) == DEQUANTIZE):
            continue
        seen.add(node)
        yield node
        if isinstance(node, relay.Call):
            waiting += _arguments(node)


def has_rule(call: Call) -> bool:
    """Has FakeQuantizationToInteger a rule for the operator of a call?"""
    return isinstance(call.op, tvm.ir.Op) and call.op.get_attr(_RULE) is not None


def _arguments(call: Call) -> list[Expr]:
    """What a call reads, through tuples and their fields."""
    waiting, result = list(call.args), []
    while waiting:
        node = waiting.pop()
        if isinstance(node, relay.Tuple):
            waiting += node.fields
        elif isinstance(node, relay.TupleGetItem):
            waiting.append(node.tuple_value)
        else:
            result.append(node)
    return result


def name_of(call: Call) -> str:
    """The operator of a call, or, where it calls a function, what that is."""
    return str(call.op.name) if isinstance(call.op, tvm.ir.Op) else type(call.op).__name__
