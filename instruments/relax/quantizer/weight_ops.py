"""Operators on weights of few bits, and of many scales: what TVM has no operator for.

    unpack(packed, meets, …)              (rows, columns) of dtype
    packed_matmul(data, weight, …)        (…, columns) of dtype
    grouped_matmul(data, weight, scale, …)   (…, columns) of float32

packed  uint8 (ceil(rows / n), columns): n values of `bits` bits to a byte, none of them below
        `least`, as packing.pack makes it
weight  the same; where bits are more than 4 (rows, columns) of integers, or of floats that are
data    integers, or floats that are: (…, rows)
scale   float32 (groups, columns): of the products of data with a group's rows of the weight
…       bits, least, rows, dtype (Stored): the dtype of the sums, in a grouped_matmul of those
        within a group; what these come to, times the scale, is added up in float32 one by one

FoldConstant computes what depends on constants only when the model is built, and would leave
nothing packed. So unpack takes the value that the weight is going to meet too, which is no
constant, and does not read it.

The kernels of the matmuls take the values out where they multiply: no weight is written to memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tvm import te

from ...tvm_types import Expr
from ..compat import TENSOR, Call, StringImm, prim_value, shape_of, type_of
from . import own_ops, packing
from .own_ops import number

UNPACK, MATMUL, GROUPED = "tvmq.unpack", "tvmq.packed_matmul", "tvmq.grouped_matmul"

_FUSES_WHAT_FOLLOWS, _FUSES_NOTHING = 4, 8
"""How FuseOps takes a kernel (OpPatternKind, include/tvm/relax/op_attr_types.h). Said here, as TVM
else goes by how the kernel reads its weight: packed or not, the same has to be fused, or floats are
rounded elsewhere."""


class Stored(NamedTuple):
    """How a weight of two axes is stored, and as what it is computed with."""

    bits: int
    least: int
    rows: int
    dtype: str


def unpack(packed: Any, meets: Any, stored: Stored) -> Any:
    """A call of the op."""
    return _call(UNPACK, [packed, meets], stored)


def packed_matmul(data: Any, weight: Any, stored: Stored) -> Any:
    """A call of the op."""
    return _call(MATMUL, [data, weight], stored)


def grouped_matmul(data: Any, weight: Any, scale: Any, stored: Stored) -> Any:
    """A call of the op."""
    return _call(GROUPED, [data, weight, scale], stored)


def registered(name: str) -> Any:
    """One of the ops, registered on first use."""
    about, tensors, infer, legalize = _OPS[name]
    return own_ops.registered(name, about, tensors + len(Stored._fields), infer, legalize)


def _call(name: str, tensors: list[Any], stored: Stored) -> Any:
    numbers = [prim_value(value) for value in stored[:3]]
    return Call(registered(name), [*tensors, *numbers, StringImm(stored.dtype)])


def parts_of(call: Expr) -> tuple[list[Any], Stored]:
    """The tensors that one of the ops is called with, and how the weight is stored."""
    *tensors, bits, least, rows, dtype = call.args
    return tensors, Stored(number(bits), number(least), number(rows), str(dtype.value))


def _type_unpacked(call: Any, _builder: Any) -> Any:
    (packed, _), stored = parts_of(call)
    return TENSOR([stored.rows, _columns(packed)], stored.dtype)


def _type_product(call: Any, _builder: Any) -> Any:
    (data, weight), stored = parts_of(call)
    return TENSOR([*type_of(data).shape.values[:-1], _columns(weight)], stored.dtype)


def _type_scaled(call: Any, _builder: Any) -> Any:
    (data, weight, _), _ = parts_of(call)
    return TENSOR([*type_of(data).shape.values[:-1], _columns(weight)], "float32")


def _columns(weight: Expr) -> int:
    shape = shape_of(weight)
    assert shape is not None  # weights are constants
    return shape[1]


def _legalize_unpack(builder: Any, call: Any) -> Any:
    tensors, stored = parts_of(call)

    def compute(packed: Any, _meets: Any) -> Any:
        shape = stored.rows, packed.shape[1]
        return te.compute(
            shape, lambda row, column: _entry(packed, row, column, stored), name="unpack"
        )

    return _kernel(builder, compute, tensors, UNPACK, _FUSES_NOTHING)


def _legalize_packed(builder: Any, call: Any) -> Any:
    tensors, stored = parts_of(call)

    def compute(data: Any, weight: Any) -> Any:
        def total(*at: Any) -> Any:
            return _sum(data, weight, at[:-1], at[-1], 0, stored.rows, stored)

        return te.compute((*data.shape[:-1], weight.shape[1]), total, name="matmul")

    return _kernel(builder, compute, tensors, MATMUL, _FUSES_WHAT_FOLLOWS)


def _legalize_grouped(builder: Any, call: Any) -> Any:
    tensors, stored = parts_of(call)

    def compute(data: Any, weight: Any, scale: Any) -> Any:
        groups, columns = map(int, scale.shape)
        size = stored.rows // groups
        outer = data.shape[:-1]
        each = te.reduce_axis((0, groups), "group")

        def total(*at: Any) -> Any:
            *before, group, column = at
            return _sum(data, weight, before, column, group * size, size, stored)

        sums = te.compute((*outer, groups, columns), total, name="matmul")

        def scaled(*at: Any) -> Any:
            *before, column = at
            value = sums(*before, each, column).astype("float32")
            return te.sum(value * scale[each, column], axis=each)

        return te.compute((*outer, columns), scaled, name="scaled")

    return _kernel(builder, compute, tensors, GROUPED, _FUSES_NOTHING)


def _kernel(builder: Any, compute: Any, tensors: list[Any], name: str, fuses: int) -> Any:
    hint = name.replace("tvmq.", "")
    attributes = {"op_pattern": fuses}
    return builder.call_te(compute, *tensors, primfunc_name_hint=hint, primfunc_attrs=attributes)


def _sum(
    data: Any, weight: Any, before: Any, column: Any, first: Any, rows: int, stored: Stored
) -> Any:
    """Of the products of data, from `first` on, with so many rows of a column of the weight."""
    many = packing.per_byte(stored.bits)
    if rows % many == 0 and many > 1:
        # The values of a byte have a loop of their own, in which all shifts are known.
        axes = [te.reduce_axis((0, rows // many), "byte"), te.reduce_axis((0, many), "place")]
        row = first + axes[0] * many + axes[1]
    else:
        axes = [te.reduce_axis((0, rows), "row")]
        row = first + axes[0]
    value = data(*before, row).astype(stored.dtype) * _entry(weight, row, column, stored)
    return te.sum(value, axis=axes)


def _entry(weight: Any, row: Any, column: Any, stored: Stored) -> Any:
    """A value of the weight, in the dtype to compute in."""
    bits, least, _, dtype = stored
    many = packing.per_byte(bits)
    if many == 1:
        return weight[row, column].astype(dtype)
    return packing.taken_out(weight[row // many, column], row % many, bits, least, dtype)


_OPS: dict[str, tuple[str, int, own_ops.Infer, own_ops.Legalize]] = {
    UNPACK: ("The integers that bytes hold.", 2, _type_unpacked, _legalize_unpack),
    MATMUL: ("matmul with integers packed in bytes.", 2, _type_product, _legalize_packed),
    GROUPED: ("matmul with scales for groups of rows.", 3, _type_scaled, _legalize_grouped),
}
