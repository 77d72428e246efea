"""realize=bitserial, on Relay: a pass behind calibrate.

TVM has convolutions and dense of few bits, and its quantizer makes none of them. This pass makes
them of what it can, and leaves the rest to TVM's own realize, whose sums are the same. In a script
of one's own::

    with bitserial(), relay.quantize.qconfig(nbit_input=2, nbit_weight=2):
        module = relay.quantize.quantize(module, params)
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Callable, ContextManager, Iterable

import tvm
from tvm import relay
from tvm.relay.dataflow_pattern import DFPatternCallback, is_op, wildcard

from ...protocol.ops import is_weighted
from ...protocol.schema import RELAY
from ...tvm_types import Call, Expr, IRModule
from ..ir.op_table import nodes_of
from .behind_calibrate import behind_calibrate, rewritten
from .bitserial_ops import Operands, computed, operands
from .few_bits import Left
from .weight_bits import is_weight_step

PASS = "RealizeBitserial"

Report = Callable[[int, "dict[str, int]"], Any]
"""Is told how many ops are taken, and of those that are left how many for which reason."""


def bitserial(report: Report | None = None) -> ContextManager[None]:
    """Every quantize() inside the block realizes what it can like this: see `realize`."""
    return behind_calibrate(realize(report))


def realize(report: Report | None = None) -> Any:
    """The pass. It takes a calibrated module.

    Raises ValueError if there is nothing that it can take.
    """

    def transform(module: IRModule, _context: Any) -> Any:
        typed = relay.transform.InferType()(module)
        taken, left = _sorted(typed)
        if not taken:
            raise ValueError(f"realize=bitserial: {_refusal(left)}")
        if report is not None:
            report(len(taken), dict(left))
        return rewritten(typed, _Realizing(taken))

    return tvm.transform.module_pass(transform, opt_level=0, name=PASS)


def _sorted(module: IRModule) -> tuple[dict[int, Operands], Counter[str]]:
    """Of the ops whose weight is quantized those that can be taken; and reasons of the others."""
    sums = str(relay.quantize.current_qconfig().dtype_activation)
    taken: dict[int, Operands] = {}
    left: Counter[str] = Counter()
    for node in nodes_of(module):
        if not isinstance(node, relay.Call) or not isinstance(node.op, tvm.ir.Op):
            continue
        if is_weighted(RELAY, str(node.op.name)) and is_weight_step(node.args[1]):
            try:
                taken[hash(node)] = operands(node, sums)
            except Left as reason:
                left[f"{node.op.name}: {reason}"] += 1
    return taken, left


def _refusal(reasons: Iterable[str]) -> str:
    """How many ops there are is not said: of a part of the module it has to be the same text, as
    a replay (instruments/diagnosis) finds the first op that is refused by it."""
    told = "; ".join(reasons) or "there is none"
    return f"no quantized convolution or dense can be bitserial: {told}"


class _Realizing(DFPatternCallback):
    """Puts bitserial ops in the place of others, by which op it is."""

    def __init__(self, taken: dict[int, Operands]) -> None:
        super().__init__(rewrite_once=True)
        self.pattern = (is_op("nn.conv2d") | is_op("nn.dense"))(wildcard(), wildcard())
        self._taken = taken

    def callback(self, pre: Call, post: Call, _matched: Any) -> Expr:
        operands = self._taken.get(hash(pre))
        return post if operands is None else computed(pre, post.args[0], operands)
