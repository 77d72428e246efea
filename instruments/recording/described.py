"""A value in a few words: `a call of nn.conv2d, float32[1, 16, 8, 8]`. Nothing of it is called."""

from __future__ import annotations

import enum
import types
from typing import Any

_LONGEST = 60
_FEW = 4

_SIMPLE = (type(None), bool, int, float, str)
_CODE = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType)


def is_of_tvm(value: Any) -> bool:
    """Is its class TVM's own? Their fields are in C++, and reading one runs nothing else."""
    return type(value).__module__.partition(".")[0] in ("tvm", "tvm_ffi")


def is_expression(value: Any) -> bool:
    """Is it a node of a function's body?"""
    return is_of_tvm(value) and any(
        base.__name__ == "RelayExpr" or base.__name__ == "Expr" for base in type(value).__mro__
    )


def described(value: Any) -> str | None:
    """A value in a few words; None of what is code: a class, a module, a function."""
    if isinstance(value, _CODE):
        return None
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if type(value) in _SIMPLE:
        return repr(value)[:_LONGEST]
    if type(value) in (list, tuple, set, frozenset):
        return _collection(value)
    import numpy as np  # here: who only reads traces has no use for it

    if isinstance(value, np.dtype):
        return str(value)
    if isinstance(value, np.ndarray):
        return f"an array, {value.dtype}{list(value.shape)}"
    if is_of_tvm(value):
        return _node(value)
    return _a(type(value).__name__)


def _collection(values: Any) -> str:
    if len(values) <= _FEW and all(type(value) in _SIMPLE for value in values):
        items = [repr(value) for value in values]
        ordered = sorted(items) if isinstance(values, (set, frozenset)) else items
        return f"{type(values).__name__} of {', '.join(ordered) or 'nothing'}"[:_LONGEST]
    return f"a {type(values).__name__} of {len(values)}"


def _node(value: Any) -> str:
    """A node of TVM's: what it is, and its type where it has one."""
    kind = type(value).__name__
    if kind in ("IntImm", "FloatImm", "StringImm"):
        return str(_field(value, "value"))[:_LONGEST]
    if kind in ("Array", "Map"):
        return f"{_a(kind)} of {len(value)}"
    words = _a(kind)
    name = _field(value, "name_hint" if hasattr(value, "name_hint") else "name")
    if kind == "Call":
        words = f"a call of {_operator(_field(value, 'op'))}"
    elif "Const" in kind:  # Constant of Relay, GenericConst of TVM 0.27
        words = "a constant"
    elif name is not None:
        words = f"the {'global' if kind == 'GlobalVar' else 'variable'} {name}"
    elif kind == "Op":
        words = f"the operator {_operator(value)}"
    typed = _typed(value)
    return f"{words}, {typed}" if typed else words


def _operator(op: Any) -> str:
    name = _field(op, "name") or _field(op, "name_hint")
    return str(name) if name is not None else _a(type(op).__name__)


def _typed(value: Any) -> str | None:
    """The type of a tensor; None of anything else, and where none was inferred yet."""
    for name in ("checked_type", "ty", "struct_info"):
        tensor = _field(value, name)
        shape, dtype = _field(tensor, "shape"), _field(tensor, "dtype")
        if dtype is None or shape is None:
            continue
        sizes = _field(shape, "values") if _field(shape, "values") is not None else shape
        try:
            return f"{dtype}[{', '.join(_size(size) for size in sizes)}]"[:_LONGEST]
        except TypeError:  # a shape that is a variable
            return str(dtype)
    return None


def _size(size: Any) -> str:
    number = size if isinstance(size, int) else _field(size, "value")
    return "?" if number is None else str(number)


def _field(value: Any, name: str) -> Any:
    """A field of a node of TVM's; None where it has none, or there is no node."""
    if value is None or not is_of_tvm(value):
        return None
    try:
        return getattr(value, name, None)
    except Exception:  # checked_type raises where no type was inferred
        return None


def _a(kind: str) -> str:
    return f"an {kind}" if kind[:1] in "AEIOU" else f"a {kind}"
