"""Attributes of Relay ops: those that say something, and the same with some left out."""

from __future__ import annotations

from typing import Any, Collection, Mapping

import tvm

from ...diagnosis.reduction import NotSliceable
from ...tvm_types import Attrs
from .op_table import attribute_values

SIZES = {
    "channels",
    "concatenate_shape",
    "groups",
    "kernel_size",
    "newshape",
    "output_size",
    "shape",
    "units",
}
"""Attributes that repeat sizes of the op's operands, and so have to follow them."""


def kind(attrs: Attrs) -> str:
    """What tvm.ir.make_node calls them, like relay.attrs.Conv2DAttrs."""
    return repr(attrs).split("(")[0]


def telling(attrs: Attrs) -> dict[str, Any]:
    """As few of the attributes, as plain values, as it takes for the others to come by default.

    All that have a value where that cannot be found out.
    """
    values = attribute_values(attrs)
    given = {name: value for name, value in values.items() if value is not None}
    if _rebuilt(kind(attrs), given) is None:
        given = values  # one that has to be given is None, as the `units` of a dense may be
    for name in list(given):
        fewer = {other: value for other, value in given.items() if other != name}
        copy = _rebuilt(kind(attrs), fewer)
        if copy is not None and attribute_values(copy) == values:
            given = fewer
    return given


def optional(attrs: Attrs) -> list[str]:
    """The attributes that are not at their default, and have one."""
    given = telling(attrs)
    return [
        name
        for name in given
        if _rebuilt(kind(attrs), {k: v for k, v in given.items() if k != name}) is not None
    ]


def changed(attrs: Attrs, dropped: Collection[str], sizes: Mapping[int, int]) -> Any:
    """The attributes without those `dropped`, and with other sizes. Raises NotSliceable."""
    if attrs is None or not hasattr(attrs, "keys"):
        return attrs
    values = telling(attrs)
    wanted = {
        name: _resized(value, sizes) if name in SIZES else value
        for name, value in values.items()
        if name not in dropped
    }
    if wanted == values:
        return attrs
    copy = _rebuilt(kind(attrs), wanted)
    if copy is None:
        raise NotSliceable(f"no {kind(attrs)} without {', '.join(sorted(dropped))}")
    return copy


def _resized(value: Any, sizes: Mapping[int, int]) -> Any:
    if isinstance(value, list):
        return [_resized(item, sizes) for item in value]
    return sizes.get(value, value) if type(value) is int else value


def _rebuilt(name: str, values: dict[str, Any]) -> Any:
    try:
        return tvm.ir.make_node(name, **values)
    except (tvm.TVMError, AttributeError, TypeError, ValueError):
        return None  # a required one is missing, or TVM cannot read its own value back
