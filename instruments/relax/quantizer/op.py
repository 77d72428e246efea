"""tvmq.simulated_quantize: what quantizing does to a value, in float.

    simulated_quantize(data, scale, kind, bits, signed, axis)
        = clip(round(data / scale), least, greatest) * scale

data    float32 or float16, of any shape; the result has its type
scale   float32 constant: a scalar, one for each index of `axis`, or of a weight (rows, channels)
        one for each group of rows and each channel, (groups, channels); 0 until calibrated
kind    "input" (of conv2d or matmul), "weight", or "activation" (of an addition)
bits    of the values; with `signed` it gives least and greatest (config.value_range)
axis    of the scales, -1 if there is one for all

Halves go to the even neighbour, as in te.round and numpy.rint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tvm
from tvm import relax, te

from ...tvm_types import Expr
from ..compat import (
    Call,
    StringImm,
    array_of,
    prim_value,
    type_of,
)
from . import own_ops
from .config import value_range
from .own_ops import number

NAME = "tvmq.simulated_quantize"
KINDS = ("input", "weight", "activation")


@dataclass(frozen=True)
class Site:
    """The arguments of a call of the op as plain values. `scale` has shape (), (channels,) or
    (groups, channels)."""

    data: Any
    scale: np.ndarray
    kind: str
    bits: int
    signed: bool
    axis: int

    @property
    def range(self) -> tuple[int, int]:
        return value_range(self.bits, self.signed)

    def spread(self, shape: tuple[int, ...]) -> np.ndarray:
        """The scale in the shape in which it multiplies data of that shape."""
        if self.scale.ndim == 2:
            return np.repeat(self.scale, shape[0] // len(self.scale), axis=0)
        return spread(self.scale, self.axis, len(shape))


def spread(scale: np.ndarray, axis: int, rank: int) -> np.ndarray:
    """A scale (channels,) as (channels, 1, …), where `axis` has the channels; others as they are:
    one of groups multiplies no data, but the sums of each group."""
    if scale.ndim != 1:
        return scale
    return scale.reshape([-1 if index == axis else 1 for index in range(rank)])


def simulated_quantize(
    data: Any, scale: np.ndarray, kind: str, bits: int, signed: bool, axis: int
) -> Any:
    """A call of the op."""
    numbers = [prim_value(value) for value in (bits, int(signed), axis)]
    scale = relax.const(np.asarray(scale, "float32"))
    return Call(registered(), [data, scale, StringImm(kind), *numbers])


def site_of(expression: Expr) -> Site | None:
    """None if it is no call of the op."""
    if not isinstance(expression, Call) or expression.op != registered():
        return None
    data, scale, kind, bits, signed, axis = expression.args
    return Site(
        data, array_of(scale), str(kind.value), number(bits), bool(number(signed)), number(axis)
    )


def registered() -> Any:
    """The op, registered on first use."""
    about = "What quantizing does to a value, in float."
    return own_ops.registered(
        NAME, about, 6, lambda call, builder: type_of(call.args[0]), _legalize
    )


def _legalize(builder: Any, call: Any) -> Any:
    site = site_of(call)
    assert site is not None
    least, greatest = site.range

    def simulate(data: Any, *scales: Any) -> Any:
        def value(*indices: Any) -> Any:
            if site.scale.ndim == 2:
                group = data.shape[0] // len(site.scale)
                scale = scales[0](indices[0] // group, indices[1])
            elif scales:
                scale = scales[0](indices[site.axis])
            else:
                scale = tvm.tirx.const(float(site.scale), "float32")
            steps = te.round(data(*indices).astype("float32") / scale)
            low, high = (tvm.tirx.const(float(end), "float32") for end in (least, greatest))
            return (te.max(te.min(steps, high), low) * scale).astype(data.dtype)

        return te.compute(data.shape, value, name="simulated_quantize")

    scales = [call.args[1]] if site.scale.ndim else []
    return builder.call_te(
        simulate, site.data, *scales, primfunc_name_hint=f"simulated_quantize_{site.kind}"
    )
