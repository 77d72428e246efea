"""What bitserial ops compute on: the few-bit integers behind quantization steps, read off a
calibrated module, as far as they can be known before it runs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tvm
from tvm import relay

from ...protocol.ops import STEP_KINDS
from ...tvm_types import Expr
from ..ir.parts import QUANTIZER_STEP

MOST_BITS = 4
"""Wider values are left to TVM's own realize: a bitserial op has one popcount for each pair of a
bit of the data and one of the weight (python/tvm/topi/x86/bitserial_conv2d.py, _conv)."""

_HANDED_ON = (
    "annotation.cast_hint",
    "annotation.stop_fusion",
    "nn.batch_flatten",
    "nn.max_pool2d",
    "nn.relu",
    "reshape",
    "strided_slice",
    "transpose",
)
"""Ops whose values are some of those that they read, or zero. Between a step and the op that counts
on it TVM has these (python/tvm/relay/quantize/_annotate.py, identity_rewrite, pool2d_rewrite)."""


class Left(Exception):
    """An op is left to TVM's own realize; the text is why, as a clause."""


class Steps(NamedTuple):
    """Values that are integers of `low` to `high` times `scale`, which is a float32."""

    scale: float
    low: int
    high: int

    @property
    def planes(self) -> int:
        """How many bits it takes to count from `low` to `high`."""
        return (self.high - self.low).bit_length()


def data_steps(data: Expr) -> Steps:
    """What an op reads as data. Raises Left.

    TVM clips alike on both sides of zero (_calibrate.py, _set_params); behind a relu the lower half
    stays empty, and takes no bit.
    """
    step = data
    while _is_call(step, *_HANDED_ON):
        step = step.args[0]
    low, high = _clips(step, "data")
    scale = float(step.args[1].data.numpy())
    return Steps(scale, 0 if _is_never_negative(data) else low, high)


def weight_steps(weight: Expr) -> tuple[Steps, np.ndarray]:
    """What an op reads as weight, and its integers: int64 of the weight's shape. Raises Left."""
    low, high = _clips(weight, "weight")
    values, scale = weight.args[0], float(weight.args[1].data.numpy())
    if STEP_KINDS[int(weight.attrs.kind)] != "weight" or not isinstance(values, relay.Constant):
        raise Left("its weight is computed")
    if scale == 0:
        raise Left("its weight is all 0")
    # As QuantizeRealize of src/relay/quantize/realize.cc has it, whose round is away from zero.
    inverse = np.float32(1) / np.float32(scale)
    scaled = (values.data.numpy() * inverse).astype("float64")
    rounded = np.trunc(scaled + np.copysign(0.5, scaled))
    return Steps(scale, low, high), np.clip(rounded, low, high).astype("int64")


def _clips(step: Expr, role: str) -> tuple[int, int]:
    """The least and the greatest integer of a step. Raises Left."""
    if not _is_call(step, QUANTIZER_STEP):
        raise Left(f"its {role} comes from no quantization step")
    if not all(isinstance(number, relay.Constant) for number in step.args[1:]):
        raise Left(f"its {role} is not calibrated")
    low, high = (int(clip.data.numpy()) for clip in step.args[2:])
    bits = high.bit_length() + 1
    if bits == 1:
        raise Left(f"its {role} has 1 bit, and TVM keeps that for the sign: all of it is 0")
    if bits > MOST_BITS:
        raise Left(f"its {role} has {bits} bits, and {MOST_BITS} are the most to count one by one")
    return low, high


def _is_never_negative(data: Expr) -> bool:
    while _is_call(data, QUANTIZER_STEP, *_HANDED_ON):
        if _is_call(data, "nn.relu"):
            return True
        data = data.args[0]
    return _is_call(data, "clip") and float(data.attrs.a_min) >= 0


def _is_call(node: Any, *operators: str) -> bool:
    if not isinstance(node, relay.Call) or not isinstance(node.op, tvm.ir.Op):
        return False
    return str(node.op.name) in operators
