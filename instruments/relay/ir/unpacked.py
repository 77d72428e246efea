"""A module without the layouts that a target's kernels want, computing the same.

AlterOpLayout makes nn.contrib_conv2d_NCHWc of nn.conv2d, and nn.contrib_dense_pack of nn.dense:
their weights are in blocks (OIHW4i16o4i), and only kernels of the target compute them. Here they
are the plain operators again, between changes of layout. They compute in the dtype of their result:
without -mcpu LLVM makes no code of uint8 by int8 (conv2d_nchw_int8.x86 of TVM 0.16).
"""

from __future__ import annotations

import math
import re
from typing import Any, Callable

import tvm
from tvm import relay
from tvm.relay.dataflow_pattern import DFPatternCallback, is_op, rewrite, wildcard

from ...tvm_types import Call, Expr, IRModule


def unpacked(module: IRModule) -> Any:
    """The module with plain operators. Raises what TVM raises where the types do not fit."""
    module = relay.transform.InferType()(module)
    main = module["main"]
    body = rewrite([_Plain(name, make) for name, make in _MAKERS.items()], main.body)
    return relay.transform.InferType()(tvm.IRModule.from_expr(relay.Function(main.params, body)))


class _Plain(DFPatternCallback):
    """Rewritten by pattern and not by ExprMutator, which recurses as deep as the model is."""

    def __init__(self, name: str, make: Callable[[Call, Expr, Expr], Any]) -> None:
        # Once: some of what is made here would match again.
        super().__init__(require_type=True, rewrite_once=True)
        self.pattern = is_op(name)(wildcard(), wildcard())
        self._make = make

    def callback(self, pre: Call, post: Call, _matched: Any) -> Any:
        return self._make(pre, *post.args)


def _convolution(call: Call, data: Expr, weight: Expr) -> Any:
    attrs = call.attrs
    plain = relay.nn.conv2d(
        relay.cast(relay.layout_transform(data, attrs.data_layout, "NCHW"), _dtype(call)),
        relay.cast(_unblocked(call, weight, "OIHW"), _dtype(call)),
        strides=attrs.strides,
        padding=attrs.padding,
        dilation=attrs.dilation,
        groups=attrs.groups,
        channels=attrs.channels,
        kernel_size=attrs.kernel_size,
        out_dtype=_dtype(call),
    )
    return relay.layout_transform(plain, "NCHW", attrs.out_layout or attrs.data_layout)


def _dense(call: Call, data: Expr, weight: Expr) -> Any:
    plain = relay.cast(_unblocked(call, weight, "NC"), _dtype(call))
    return relay.nn.dense(relay.cast(data, _dtype(call)), plain, out_dtype=_dtype(call))


def _unblocked(call: Call, weight: Expr, wanted: str) -> Any:
    """A call's weight in blocks as one of the `wanted` axes: a block, as 16o, is part of O.

    Not layout_transform: it takes no axis that is split twice, as in OIHW4i16o4i.
    """
    layout = str(call.attrs.kernel_layout if wanted == "OIHW" else call.attrs.weight_layout)
    sizes = [int(size) for size in call.args[1].checked_type.shape]
    letters = re.findall(r"[A-Za-z]", layout)
    order = [i for axis in wanted for i, letter in enumerate(letters) if letter.upper() == axis]
    shape = [
        math.prod(size for size, letter in zip(sizes, letters) if letter.upper() == axis)
        for axis in wanted
    ]
    return relay.reshape(relay.transpose(weight, order), shape)


def _wide(call: Call, data: Expr, weight: Expr) -> Any:
    """The same operator, its operands in the dtype of its result."""
    operands = [relay.cast(operand, _dtype(call)) for operand in (data, weight)]
    return relay.Call(call.op, operands, call.attrs)


def _dtype(call: Call) -> str:
    return str(call.checked_type.dtype)


_MAKERS = {
    "nn.contrib_conv2d_NCHWc": _convolution,
    "nn.contrib_depthwise_conv2d_NCHWc": _convolution,
    "nn.contrib_dense_pack": _dense,
    "nn.conv2d": _wide,
    "nn.dense": _wide,
}
