"""Bits of each weight, on Relay: a pass behind calibrate.

TVM has one width for all weights, QConfig.nbit_weight, and it is that of biases too: what
_annotate.py adds to a convolution it calls a weight. Here each weight of a convolution or dense
has bits of its own; biases keep what the QConfig says. In a script of one's own, with a digit for
each of them in running order::

    with weight_bits("8444"):  # or the file of a run: weight_bits("bits.toml")
        module = relay.quantize.quantize(module, params)
"""

from __future__ import annotations

import re
from typing import Any, ContextManager

import tvm
from tvm import relay
from tvm.relay.dataflow_pattern import DFPatternCallback, is_op, wildcard

from ...protocol import bits_file
from ...protocol.ops import STEP_KINDS, is_weighted
from ...protocol.schema import RELAY
from ...tvm_types import Call, Expr, IRModule
from ..ir.op_table import nodes_of
from ..ir.parts import QUANTIZER_STEP
from .behind_calibrate import behind_calibrate, rewritten

PASS = "AssignWeightBits"


def weight_bits(bits: str) -> ContextManager[None]:
    """Every quantize() inside the block gives each weight these bits: digits, as `assign` takes
    them, or the path of a file of them. Raises BitsFileError."""
    digits = bits if bits.isdigit() else bits_file.read(bits).weight_bits
    return behind_calibrate(assign(digits))


def assign(bits: str) -> Any:
    """The pass. It takes a calibrated module; a range that was found is kept, in other steps.

    Raises ValueError if it is not digits from 1 to 8, and when it runs, if there are not as many
    weights as digits.
    """
    if re.fullmatch("[1-8]+", bits) is None:
        raise ValueError(f"weight_bits={bits} is not digits from 1 to 8")

    def transform(module: IRModule, _context: Any) -> Any:
        steps = steps_of(module)
        if len(steps) != len(bits):
            raise ValueError(
                f"weight_bits has {len(bits)} digits, and {len(steps)} weights are quantized: "
                "give one for each, in running order"
            )
        widths = {hash(step): int(digit) for step, digit in zip(steps, bits)}
        return rewritten(module, _Narrowing(widths))

    return tvm.transform.module_pass(transform, opt_level=0, name=PASS)


def steps_of(module: IRModule) -> list[Any]:
    """The quantization steps of weights of convolutions and dense, each once, in running order."""
    steps: dict[int, Any] = {}
    for node in nodes_of(module):
        if not isinstance(node, relay.Call) or not isinstance(node.op, tvm.ir.Op):
            continue
        weight = node.args[1] if is_weighted(RELAY, str(node.op.name)) else None
        if weight is not None and is_weight_step(weight):
            steps.setdefault(hash(weight), weight)
    return list(steps.values())


def is_weight_step(operand: Expr) -> bool:
    """Is it the quantization step of a weight?"""
    step = isinstance(operand, relay.Call) and operand.op == tvm.ir.Op.get(QUANTIZER_STEP)
    return step and STEP_KINDS[int(operand.attrs.kind)] == "weight"


class _Narrowing(DFPatternCallback):
    """Gives steps their width, by which step it is."""

    def __init__(self, widths: dict[int, int]) -> None:
        super().__init__(rewrite_once=True)
        self.pattern = is_op(QUANTIZER_STEP)(wildcard(), wildcard(), wildcard(), wildcard())
        self._widths = widths

    def callback(self, pre: Call, post: Call, _matched: Any) -> Any:
        width = self._widths.get(hash(pre))
        if width is None:
            return post
        data, scale, _, clip = post.args
        # As _set_params of _calibrate.py has it: the range is that of one step more than the clip.
        reach = float(scale.data.numpy()) * (float(clip.data.numpy()) + 1)
        steps = 2.0 ** (width - 1)
        numbers = [relay.const(value, "float32") for value in (reach / steps, 1 - steps, steps - 1)]
        return relay.Call(post.op, [data, *numbers], post.attrs, post.type_args, post.span)
