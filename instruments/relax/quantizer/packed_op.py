"""tvmq.unpack and tvmq.packed_matmul: what realize "packed" puts before and in place of ops.

    unpack(packed, beside, bits, shape)     int8 of `shape`
    packed_matmul(data, packed, bits, rows) sums, int32: data @ unpacked

packed  uint8 constant, see packing.py
beside  any tensor that is no constant, which nobody reads: FoldConstant evaluates what it has all
        arguments of (src/relax/transform/fold_constant.cc), and would put the unpacked weight there
bits    of the values
rows    of the weight as it was: what data has along its last axis
"""

from __future__ import annotations

from typing import Any, Callable

import tvm
import tvm_ffi
from tvm import relax, te
from tvm.relax.transform.legalize_ops.common import register_legalize

from ...tvm_types import Expr
from . import packing
from .compat import INFER_TYPE, Call, prim_value, tensor_type, type_of

UNPACK, MATMUL = "tvmq.unpack", "tvmq.packed_matmul"

SUMS = "int32"


def unpack(stored: Any, beside: Expr, bits: int, shape: tuple[int, ...]) -> Any:
    """A call of tvmq.unpack."""
    arguments = [stored, beside, prim_value(bits), relax.ShapeExpr(list(shape))]
    return Call(_registered(UNPACK, 4, _type_of_unpacked, _legalize_unpack), arguments)


def packed_matmul(data: Expr, stored: Any, bits: int, rows: int) -> Any:
    """A call of tvmq.packed_matmul."""
    arguments = [data, stored, prim_value(bits), prim_value(rows)]
    return Call(_registered(MATMUL, 4, _type_of_sums, _legalize_matmul), arguments)


def _registered(name: str, inputs: int, infer: Callable[..., Any], legalize: Any) -> Any:
    """The op, registered on first use."""
    try:
        return tvm.ir.Op.get(name)
    except Exception:  # AttributeError or TVMError, whichever this TVM has for an unknown op
        tvm_ffi.get_global_func("ir.RegisterOp")(name, "Weights of few bits several to a byte.")
    op = tvm.ir.Op.get(name)
    op.set_num_inputs(inputs)
    op.set_attr(INFER_TYPE, infer)
    op.set_attr("FPurity", True)
    op.set_attr("TScriptPrinterName", name)
    # LegalizeOps else leaves an op alone that takes a number.
    op.set_attr("RequiresArgumentShapes", False)
    register_legalize(name, legalize)
    return op


def _type_of_unpacked(call: Call, _builder: Any) -> Any:
    return tensor_type(call.args[3], "int8")


def _type_of_sums(call: Call, _builder: Any) -> Any:
    data, stored = (list(type_of(argument).shape.values) for argument in call.args[:2])
    return tensor_type(relax.ShapeExpr([*data[:-1], stored[-1]]), SUMS)


def _legalize_unpack(builder: Any, call: Any) -> Any:
    stored, beside, bits, shape = call.args
    sizes = [int(size) for size in shape.values]
    return builder.call_te(
        lambda held, _: packing.unpacked(held, sizes, _int(bits)),
        stored,
        beside,
        primfunc_name_hint="unpack",
    )


def _legalize_matmul(builder: Any, call: Any) -> Any:
    data, stored, bits, rows = call.args
    length = _int(rows)

    def sums(values: Any, held: Any) -> Any:
        columns = held.shape[1]
        weight = packing.unpacked(held, (length, columns), _int(bits))
        k = te.reduce_axis((0, length), name="k")

        def total(*place: Any) -> Any:
            *outer, column = place
            product = values(*outer, k).astype(SUMS) * weight(k, column).astype(SUMS)
            return te.sum(product, axis=k)

        return te.compute((*values.shape[:-1], columns), total, name="matmul")

    return builder.call_te(sums, data, stored, primfunc_name_hint="packed_matmul")


def _int(value: Any) -> int:
    # Before 0.26 it may be a PrimValue around an IntImm.
    inner = getattr(value, "value", value)
    return int(getattr(inner, "value", inner))
