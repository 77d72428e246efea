"""The first calls of a module, as a module."""

from __future__ import annotations

from typing import Any, Sequence

import tvm
from tvm import relay

from ...tvm_types import IRModule
from .op_table import nodes_of


def calls_of(module: IRModule) -> list[Any]:
    """The module's calls in post order, as the op table numbers them."""
    return [node for node in nodes_of(module) if isinstance(node, relay.Call)]


def prefix(calls: Sequence[Any]) -> Any:
    """A module that computes these calls: its results are those nobody among them uses."""
    used = {hash(argument) for call in calls for argument in call.args}
    used |= {
        hash(f) for call in calls for a in call.args if isinstance(a, relay.Tuple) for f in a.fields
    }
    used |= {
        hash(a.tuple_value)
        for call in calls
        for a in call.args
        if isinstance(a, relay.TupleGetItem)
    }
    sinks = [call for call in calls if hash(call) not in used]
    body = sinks[0] if len(sinks) == 1 else relay.Tuple(sinks)
    return tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(body), body))
