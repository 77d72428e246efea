"""Calls of Relax ops: the same call of other arguments, and as few keywords as say its attributes.

relax.op has a Python function for most ops, whose keywords are called as the attributes are. Where
it makes just the call in question, that is the way to write it, and to leave attributes out.
"""

from __future__ import annotations

import inspect
from typing import Any, Callable, Collection

import tvm
import tvm_ffi
from tvm import relax

from ...diagnosis.reduction import NotSliceable
from ...tvm_types import Call
from .op_table import attribute_values


def output_types(call: Call) -> Any:
    """The types that a call says it has itself, as a call_tir does."""
    types = getattr(call, "ty_args", None)  # since 0.27; sinfo_args before
    return getattr(call, "sinfo_args", None) if types is None else types


def with_arguments(call: Call, arguments: list[Any]) -> Any:
    """The same call of other arguments."""
    return relax.Call(call.op, arguments, call.attrs, output_types(call))


def without(call: Call, arguments: list[Any], dropped: Collection[str]) -> Any:
    """The call without some of its attributes, of other arguments. Raises NotSliceable."""
    given = telling(call)
    make = function_of(call)
    if given is None or make is None:
        raise NotSliceable(f"no {call.op.name} without {', '.join(sorted(dropped))}")
    try:
        copy = make(
            *arguments, **{name: value for name, value in given.items() if name not in dropped}
        )
    except Exception as error:
        raise NotSliceable(f"no {call.op.name} without {', '.join(sorted(dropped))}") from error
    return with_arguments(relax.Call(call.op, arguments, copy.attrs), arguments)


def telling(call: Call) -> dict[str, Any] | None:
    """As few keywords as it takes for relax.op's function to make this call.

    None where that function cannot make it.
    """
    make = function_of(call)
    if make is None:
        return None
    parameters = inspect.signature(make).parameters
    values = {} if call.attrs is None else attribute_values(call.attrs)
    given = {k: v for k, v in values.items() if k in parameters and v is not None}
    if not _makes(make, given, call):
        return None
    for name in list(given):
        fewer = {other: value for other, value in given.items() if other != name}
        if _makes(make, fewer, call):
            given = fewer
    return given


def optional(call: Call) -> list[str]:
    """The attributes that are not at their default, and have one."""
    given, make = telling(call), function_of(call)
    if not given or make is None:
        return []
    parameters = inspect.signature(make).parameters
    return [name for name in given if parameters[name].default is not inspect.Parameter.empty]


def function_of(call: Call) -> Callable[..., Any] | None:
    """relax.op's function for the op that is called; None if there is none."""
    name = path_of(call)
    if name is None:
        return None
    place: Any = relax
    for part in name.split(".")[1:]:
        place = getattr(place, part, None)
    return place if inspect.isfunction(place) else None


def path_of(call: Call) -> str | None:
    """Where relax has its function: relax.op.nn.conv2d."""
    if not isinstance(call.op, tvm.ir.Op) or not call.op.name.startswith("relax."):
        return None
    return "relax.op." + str(call.op.name)[len("relax.") :]


def _makes(make: Callable[..., Any], given: dict[str, Any], call: Call) -> bool:
    try:
        copy = make(*call.args, **given)
    except Exception:  # an argument is missing, or is none of that function's
        return False
    if not isinstance(copy, relax.Call) or copy.op != call.op or len(copy.args) != len(call.args):
        return False
    same = all(one.same_as(other) for one, other in zip(copy.args, call.args))
    if copy.attrs is None or call.attrs is None:
        return same and copy.attrs is None and call.attrs is None
    return same and bool(tvm_ffi.structural_equal(copy.attrs, call.attrs))
