"""What differs between TVM 0.25, 0.26 and 0.27 for what is used here."""

from __future__ import annotations

from typing import Any

import numpy as np
import tvm
from tvm import relax

from ..tvm_types import Expr, Function

# 0.25 had Call, Constant and StringImm in relax; 0.26 moved the first, 0.27 the others.
Call = tvm.ir.Call if hasattr(tvm.ir, "Call") else relax.Call
Constant = tvm.ir.GenericConst if hasattr(tvm.ir, "GenericConst") else relax.Constant
StringImm = tvm.ir.StringImm if hasattr(tvm.ir, "StringImm") else relax.StringImm

prim_value = relax.prim_value if hasattr(relax, "prim_value") else relax.PrimValue

_HAS_TYPES = not hasattr(relax, "TensorStructInfo")
"""0.26 made types of StructInfo."""

TENSOR: Any = getattr(relax, "TensorStructInfo", None) or relax.TensorType
"""The type of a tensor; before 0.26 its StructInfo."""

INFER_TYPE = "FInferType" if _HAS_TYPES else "FInferStructInfo"
"""The attribute of an op that says the type of a call."""


def type_of(expression: Expr) -> Any:
    """The TensorType, or before 0.26 the TensorStructInfo, of a relax expression."""
    return expression.ty if _HAS_TYPES else expression.struct_info


def return_type(function: Function) -> Any:
    return function.ret_ty if _HAS_TYPES else function.ret_struct_info


def shape_of(expression: Expr) -> tuple[int, ...] | None:
    """None unless all of it is known."""
    shape = getattr(type_of(expression), "shape", None)
    sizes = getattr(shape, "values", None)
    if sizes is None or not all(isinstance(size, tvm.tirx.IntImm) for size in sizes):
        return None
    return tuple(int(size) for size in sizes)


def with_span(expression: Expr, span: Any) -> Any:
    """A call that has no span, with this one; all else as it is."""
    if span is None or not isinstance(expression, Call) or expression.span is not None:
        return expression
    types = expression.ty_args if hasattr(expression, "ty_args") else expression.sinfo_args
    return Call(expression.op, expression.args, expression.attrs, types, span)


def rank_of(expression: Expr) -> int:
    """-1 if it is not known."""
    return int(getattr(type_of(expression), "ndim", -1))


def name_of(variable: Expr) -> str:
    """Of a relax variable, which TVM does not promise to be unique in its function."""
    return str(variable.name if hasattr(variable, "name") else variable.name_hint)


def array_of(constant: Expr) -> np.ndarray:
    """The values of a constant tensor, copied."""
    value = constant.value if hasattr(constant, "value") else constant.data
    return np.array(value.numpy())


def call_packed(name: str, arguments: list[Any], returns: Any) -> Any:
    """A call of a registered function that has no effect TVM need know of."""
    keyword = "ty_args" if _HAS_TYPES else "sinfo_args"
    return relax.op.call_pure_packed(name, *arguments, **{keyword: returns})


def dtype_of(expression: Expr) -> str:
    """The dtype of a tensor; empty of anything else."""
    return str(getattr(type_of(expression), "dtype", "") or "")


def is_float(expression: Expr) -> bool:
    """Is it a tensor of float32 or float16: what the quantizer takes?"""
    return dtype_of(expression) in ("float32", "float16")
