"""tvmq.simulated_quantize: what quantizing does to a value, in float.

    simulated_quantize(data, scale, kind, bits, signed, axis)
        = clip(round(data / scale), least, greatest) * scale

data    float32 or float16, of any shape; the result has its type
scale   float32 constant: a scalar, or one for each index of `axis`; 0 until calibrated
kind    "input" (of conv2d or matmul), "weight", or "activation" (of an addition)
bits    of the values; with `signed` it gives least and greatest (config.value_range)
axis    of the scales, -1 if there is one for all

Halves go to the even neighbour, as in te.round and numpy.rint. All parameters are arguments and not
attributes, because no TVM prints the attributes of an op that was registered in Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tvm
import tvm_ffi
from tvm import relax, te
from tvm.relax.transform.legalize_ops.common import register_legalize

from ...tvm_types import Expr
from .compat import (
    INFER_TYPE,
    Call,
    StringImm,
    array_of,
    prim_value,
    type_of,
)
from .config import value_range

NAME = "tvmq.simulated_quantize"
KINDS = ("input", "weight", "activation")


@dataclass(frozen=True)
class Site:
    """The arguments of a call of the op as plain values. `scale` has shape () or (channels,)."""

    data: Any
    scale: np.ndarray
    kind: str
    bits: int
    signed: bool
    axis: int

    @property
    def range(self) -> tuple[int, int]:
        return value_range(self.bits, self.signed)

    def spread(self, rank: int) -> np.ndarray:
        """The scale in the shape in which it multiplies data of that rank."""
        return spread(self.scale, self.axis, rank)


def spread(scale: np.ndarray, axis: int, rank: int) -> np.ndarray:
    """A scale () as it is, and (channels,) as (channels, 1, …), where `axis` has the channels."""
    if scale.ndim == 0:
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
    return Site(data, array_of(scale), str(kind.value), _int(bits), bool(_int(signed)), _int(axis))


def _int(value: Any) -> int:
    # Before 0.26 it may be a PrimValue around an IntImm.
    inner = getattr(value, "value", value)
    return int(getattr(inner, "value", inner))


def registered() -> Any:
    """The op, registered on first use: before that TVM reads no module from JSON that has it."""
    try:
        return tvm.ir.Op.get(NAME)
    except Exception:  # AttributeError or TVMError, whichever this TVM has for an unknown op
        return _register()


def _register() -> Any:
    tvm_ffi.get_global_func("ir.RegisterOp")(NAME, "What quantizing does to a value, in float.")
    op = tvm.ir.Op.get(NAME)
    op.set_num_inputs(6)
    op.set_attr(INFER_TYPE, lambda call, builder: type_of(call.args[0]))
    op.set_attr("FPurity", True)
    op.set_attr("TScriptPrinterName", NAME)
    # LegalizeOps else leaves an op alone that takes a string: that has no shape.
    op.set_attr("RequiresArgumentShapes", False)
    register_legalize(NAME, _legalize)
    return op


def _legalize(builder: Any, call: Any) -> Any:
    site = site_of(call)
    assert site is not None
    least, greatest = site.range

    def simulate(data: Any, *scales: Any) -> Any:
        def value(*indices: Any) -> Any:
            if scales:
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
