"""TVM's bitserial convolution and dense, made to compute what a quantized one does, to the last
integer.

They multiply integers without a sign: bipolar or not is said of weights only, and bipolar weights
have no zero. Data is therefore counted from its least step, x = u + low, and weights are split by
sign, w = p - n, as output channels side by side in one op::

    sum(x * w) = sum(u * p) - sum(u * n) + low * sum(w)

The last term is one number for each output channel, if padding is done before: zeros of x.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tvm
from tvm import relay
from tvm.relay.quantize import _quantize
from tvm.relay.quantize.quantize import QAnnotateKind

from ...tvm_types import Call, Expr
from .few_bits import Left, Steps, data_steps, weight_steps

_WORDS = (64, 32, 16, 8)
"""Widths in bits of what values are packed into, of one bit each
(python/tvm/topi/nn/bitserial_util.py, bitpack)."""

_SUMS = ("int8", "int16", "int32")
"""What they are added up in: out_dtype is int16 if nothing is said
(python/tvm/relay/op/nn/nn.py, bitserial_conv2d), and may be others."""


_HANDED_ON = 2**24 // 6
"""The largest sum that TVM's realize surely finds again: `computed` multiplies it by a scale, and
realize by the scale's inverse, so three float32 roundings have to stay below half a step."""


class Operands(NamedTuple):
    """What a convolution or dense is computed from: `integers` (int64, output channels first) are
    those of the weight, `sums` is the dtype that they are added up in."""

    data: Steps
    weight: Steps
    integers: np.ndarray
    sums: str

    @property
    def weight_planes(self) -> int:
        """How many bits a weight has, on either side of zero."""
        return self.weight.high.bit_length()

    @property
    def reach(self) -> int:
        """The largest sum inside the op: products are never negative, so none before it is larger.

        Exact, as the weights are known; the data may be at its largest everywhere.
        """
        halves = (part.reshape(len(part), -1).sum(1).max() for part in _halves(self.integers))
        return (self.data.high - self.data.low) * int(max(halves))


def operands(call: Call, sums: str) -> Operands:
    """Those of a call of a typed module. Raises Left if bitserial cannot compute it."""
    suits = _SUITS.get(str(call.op.name))
    if suits is None:
        raise Left("TVM has no bitserial op of this kind")
    if sums not in _SUMS:
        raise Left(f"dtype_activation is {sums}, and bitserial sums are one of {', '.join(_SUMS)}")
    suits(call)
    data = data_steps(call.args[0])
    weight, integers = weight_steps(call.args[1])
    result = Operands(data, weight, integers, sums)
    if result.reach > np.iinfo(sums).max:
        raise Left(
            f"{np.iinfo(sums).bits} bits have no room for the sums of {data.planes}-bit by "
            f"{weight.high.bit_length() + 1}-bit products of {integers[0].size} values"
        )
    if result.reach > _HANDED_ON:
        raise Left(f"its sums reach {result.reach}, and float32 hands on {_HANDED_ON} at most")
    return result


def computed(call: Call, data: Expr, operands: Operands) -> Expr:
    """An expression of the same values as a call's, `data` being what it reads by now.

    It ends in a step whose scale is the product of both: TVM's realize goes on from there in
    integers, as it does behind its own convolution. The cast is as dtype_activation is (a step on
    float stays float in QuantizeRealize of src/relay/quantize/realize.cc).
    """
    scale = np.float32(operands.data.scale) * np.float32(operands.weight.scale)
    counted = relay.round(data / _float(operands.data.scale))
    integers = _BUILDERS[str(call.op.name)](call, counted, operands)
    values = integers.astype("float32") * _float(scale)
    bound = _float(operands.reach)
    kind = QAnnotateKind.ACTIVATION
    step = _quantize.simulated_quantize(
        values, _float(scale), _float(-operands.reach), bound, kind, True, "round"
    )
    hint = tvm.ir.make_node("relay.attrs.CastHintAttrs", dtype=operands.sums)
    return relay.Call(tvm.ir.Op.get("annotation.cast_hint"), [step], hint)


def _conv2d(call: Call, data: Expr, operands: Operands) -> Expr:
    """`data` are integers in float32, of shape (1, channels, height, width).

    It is one with channels last: only that takes weights that are packed before it runs
    (python/tvm/topi/x86/bitserial_conv2d.py, whose bitserial_conv2d_nchw has no kernel_q then).
    """
    attrs = call.attrs
    _, channels, height, width = (int(size) for size in call.args[0].checked_type.shape)
    rows, columns = operands.integers.shape[2:]
    strides = [int(stride) for stride in attrs.strides]
    top, left, bottom, right = (int(size) for size in attrs.padding)
    bottom += _missing(top + height + bottom, rows, strides[0])
    right += _missing(left + width + right, columns, strides[1])
    more, word = _packing(channels)
    padded = _padded(data, ((0, 0), (0, more), (top, bottom), (left, right)))
    kernel = _kernel(operands.integers, more).transpose(2, 3, 1, 0)
    sums = relay.nn.bitserial_conv2d(
        relay.transpose(_unsigned(padded, operands.data), (0, 2, 3, 1)),
        relay.nn.bitpack(_constant(kernel), operands.weight_planes, 2, 4, word),
        strides=strides,
        channels=2 * len(operands.integers),
        kernel_size=(rows, columns),
        activation_bits=operands.data.planes,
        weight_bits=operands.weight_planes,
        data_layout="NHWC",
        kernel_layout="HWIO",
        pack_dtype=word,
        out_dtype=operands.sums,
        unipolar=False,
    )
    return relay.transpose(_joined(sums, operands), (0, 3, 1, 2))


def _dense(call: Call, data: Expr, operands: Operands) -> Expr:
    """`data` are integers in float32, of shape (batch, values)."""
    more, word = _packing(operands.integers.shape[1])
    kernel = _constant(_kernel(operands.integers, more))
    sums = relay.nn.bitserial_dense(
        _unsigned(_padded(data, ((0, 0), (0, more))), operands.data),
        relay.nn.bitpack(kernel, operands.weight_planes, 1, 1, word),
        units=2 * len(operands.integers),
        data_bits=operands.data.planes,
        weight_bits=operands.weight_planes,
        pack_dtype=word,
        out_dtype=operands.sums,
        unipolar=False,
    )
    return _joined(sums, operands)


_BUILDERS = {"nn.conv2d": _conv2d, "nn.dense": _dense}


def _conv2d_suits(call: Call) -> None:
    """Raises Left for a convolution that nn.bitserial_conv2d cannot be, on x86
    (python/tvm/relay/op/strategy/x86.py, bitserial_conv2d_strategy_cpu)."""
    attrs = call.attrs
    layouts = str(attrs.data_layout), str(attrs.kernel_layout)
    if layouts != ("NCHW", "OIHW") or str(attrs.out_layout) not in ("", "NCHW"):
        raise Left(f"its layout is {layouts[0]} by {layouts[1]}, not NCHW by OIHW")
    if int(attrs.groups) != 1:
        raise Left("it has groups, and bitserial convolutions have none")
    if any(int(size) != 1 for size in attrs.dilation):
        raise Left("it is dilated, and bitserial convolutions are not")
    shape = call.args[0].checked_type.shape
    if not all(isinstance(size, tvm.tir.IntImm) for size in shape):
        raise Left("its shape is known only when it runs")
    if int(shape[0]) != 1:
        raise Left(f"its batch is {int(shape[0])}, and bitserial convolutions take one at a time")


def _dense_suits(call: Call) -> None:
    """Raises Left for a dense that nn.bitserial_dense cannot be."""
    if not all(isinstance(size, tvm.tir.IntImm) for size in call.args[0].checked_type.shape):
        raise Left("its shape is known only when it runs")


_SUITS = {"nn.conv2d": _conv2d_suits, "nn.dense": _dense_suits}


def _missing(size: int, window: int, stride: int) -> int:
    """How much the schedule reads over the end of a padded height or width, 0 for not at all.

    It cuts the data into `size // stride` tiles, and reads as many as there are results
    (python/tvm/topi/x86/bitserial_conv2d.py, dvshape): one too many where a stride is larger than
    the window. Those results would be wrong, without a word. More padding adds no result: there is
    no place for a window.
    """
    results = (size - window) // stride + 1
    return max(0, results * stride - size)


def _packing(channels: int) -> tuple[int, str]:
    """How many channels to add so that they fill words, and the dtype of a word."""
    word = next((width for width in _WORDS if channels % width == 0), _WORDS[-1])
    return -channels % word, f"uint{word}"


def _padded(data: Expr, widths: tuple[tuple[int, int], ...]) -> Expr:
    """With zeros at both ends of each axis. TVM's op forgets its own padding where only one side
    has some (python/tvm/topi/x86/bitserial_conv2d.py, data_pad)."""
    return relay.nn.pad(data, widths) if any(sum(pair) for pair in widths) else data


def _unsigned(data: Expr, steps: Steps) -> Expr:
    counted = data - _float(steps.low) if steps.low else data
    return counted.astype("int8")


def _kernel(integers: np.ndarray, more: int) -> np.ndarray:
    """Both halves of the weight, as twice the output channels; `more` input channels of zeros."""
    widths = [(0, 0), (0, more)] + [(0, 0)] * (integers.ndim - 2)
    return np.pad(np.concatenate(_halves(integers)), widths)


def _constant(kernel: np.ndarray) -> Expr:
    return relay.const(np.ascontiguousarray(kernel).astype("int8"))


def _halves(integers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is above zero, and what is below it, upside down."""
    return np.maximum(integers, 0), np.maximum(-integers, 0)


def _joined(sums: Expr, operands: Operands) -> Expr:
    """The integers that are meant by those of the op, whose last axis is the output channels."""
    above, below = relay.split(sums, 2, axis=-1)
    result = relay.subtract(above, below)
    if not operands.data.low:
        return result
    weights = operands.integers.reshape(len(operands.integers), -1).sum(1)
    return relay.subtract(result, relay.const((-operands.data.low * weights).astype(operands.sums)))


def _float(value: Any) -> Expr:
    return relay.const(float(value), "float32")
