"""Nets that arrive quantized: with qnn operators of their own, as QDQ ONNX and TFLite import."""

from __future__ import annotations

from typing import Any

import tvm
from tvm import relay

from ..tvm_types import Call, IRModule
from .ir.prefix import calls_of

_RULE = "FTVMFakeQuantizationToInteger"
"""The attribute of operators that FakeQuantizationToInteger has a rule for
(python/tvm/relay/transform/fake_quantization_to_integer.py)."""


def quantized_ops(module: IRModule) -> list[str]:
    """The qnn operators of a module, in running order; empty for a net that is to be quantized."""
    names = [_name(call) for call in calls_of(module)]
    return [name for name in names if name.startswith("qnn.")]


def to_integer(module: IRModule, params: dict[str, Any]) -> IRModule:
    """The module with FakeQuantizationToInteger run on it, its weights inside. Raises what TVM
    raises."""
    main = relay.build_module.bind_params_by_name(module["main"], params)
    typed = relay.transform.InferType()(tvm.IRModule.from_expr(main))
    return relay.transform.FakeQuantizationToInteger()(typed)


def islands(module: IRModule) -> list[dict[str, Any]]:
    """The calls that compute in float on dequantized values, in running order: `op`, `index` (of
    the call, from 0), and `rule`: does FakeQuantizationToInteger have one for it? What has none is
    what it stopped at."""
    calls = calls_of(relay.transform.InferType()(module))
    floating: set[int] = set()
    result = []
    for index, call in enumerate(calls):
        name = _name(call)
        reads = {hash(argument) for argument in _arguments(call)}
        if name == "qnn.dequantize":
            floating.add(hash(call))
        elif name != "qnn.quantize" and reads & floating:
            floating.add(hash(call))
            has_rule = isinstance(call.op, tvm.ir.Op) and call.op.get_attr(_RULE) is not None
            result.append({"op": name, "index": index, "rule": has_rule})
    return result


def _arguments(call: Call) -> list[Any]:
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


def _name(call: Call) -> str:
    return str(call.op.name) if isinstance(call.op, tvm.ir.Op) else type(call.op).__name__
