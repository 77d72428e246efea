"""How a weight that is to be constant came to be computed: seen in the modules of a trace."""

from __future__ import annotations

import math

from ...trace.ops import WEIGHTED
from ...trace.snapshot import Node, Snapshot
from ...trace.trace import Trace
from . import outcomes


def folded(trace: Trace) -> str | None:
    """That a pass folded a factor computed from the data into a weight, in a clause; None where no
    module of the trace shows it."""
    for run in sorted(trace.pass_runs.values(), key=lambda run: run.end or math.inf):
        if not run.changed or run.is_wrapper:
            continue
        before, after = trace.snapshot(run.before), trace.snapshot(run.after)
        factor = _factor(after) if after is not None else None
        if factor is not None and before is not None and before.nodes and not _factor(before):
            return outcomes.FOLDED.clause.format(run.name, factor)
    return None


def _factor(module: Snapshot) -> str | None:
    """The operator that computes the factor of a weight from the data; None where no weight has
    one."""
    words = module.vocabulary
    for call in module.calls:
        if words.anchor_kind(call.op) not in WEIGHTED or len(call.inputs) < 2:
            continue
        weight = module.nodes[call.inputs[1]]
        if weight.op not in words.rescaling:
            continue
        operands = [module.nodes[i] for i in weight.inputs]
        computed = [operand for operand in operands if operand.kind == "call"]
        if len(computed) == 1 and any(operand.kind == "constant" for operand in operands):
            return _origin(module, computed[0]).op
    return None


def _origin(module: Snapshot, node: Node) -> Node:
    """The op that a value was computed by, before ops that only gave it another shape."""
    while len(node.inputs) == 1:
        read = module.nodes[node.inputs[0]]
        if read.kind != "call" or _size(read) != _size(node) or read.shape == node.shape:
            break
        node = read
    return node


def _size(node: Node) -> int | None:
    sizes = [size for size in node.shape or () if isinstance(size, int)]
    return math.prod(sizes) if node.shape is not None and len(sizes) == len(node.shape) else None
