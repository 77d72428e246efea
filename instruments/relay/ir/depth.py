"""How deep a module is: the longest way from its result back to an input, in nodes."""

from __future__ import annotations

from typing import Any

from tvm import relay

from ... import stack
from ...inputs.errors import ModelError
from ...tvm_types import IRModule
from .op_table import address_of, nodes_of

PER_MIB = 1250
"""Nodes that a MiB of stack is known to be enough for: TVM 0.16 takes a chain of 10,000 through
quantize() and relay.build() in 8 MiB; 30,000 end it in the build, 100,000 in quantize()."""


def deepest(module: IRModule) -> int:
    """The depth of a module's main function, in nodes."""
    depths: dict[int, int] = {}
    for node in nodes_of(module):  # what a node reads comes before it
        reads = [depths.get(address_of(one), 0) for one in _reads(node)]
        depths[address_of(node)] = 1 + max(reads, default=0)
    return max(depths.values(), default=0)


def check(module: IRModule) -> None:
    """Raises ModelError for a module that is deeper than TVM is known to come through."""
    room = stack.mib()
    if room is None:
        return
    depth, most = deepest(module), int(room * PER_MIB)
    if depth > most:
        raise ModelError(
            f"this model is {depth:,} ops deep, and TVM's passes, which go down one op inside the "
            f"other, are known to come through {most:,} with a stack of {room:.0f} MiB: run "
            "`ulimit -s unlimited` first, or cut the model in parts"
        )


def _reads(node: Any) -> list[Any]:
    if isinstance(node, relay.Call):
        return [*node.args, node.op]
    if isinstance(node, relay.Tuple):
        return list(node.fields)
    if isinstance(node, relay.TupleGetItem):
        return [node.tuple_value]
    if isinstance(node, relay.Function):
        return [node.body]
    if isinstance(node, relay.Let):
        return [node.value, node.body]
    if isinstance(node, relay.If):
        return [node.cond, node.true_branch, node.false_branch]
    return []
