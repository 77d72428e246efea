"""Realize "integer": values in dtype_input, weights in dtype_weight, sums in dtype_activation.

conv2d and matmul multiply integers and add them up in dtype_activation; the sum becomes float by
one multiplication with the scales of both operands, and everything after it (a bias, relu) is float
until the next site quantizes anew. Where a weight has groups, the sum of each is multiplied with
the scales of the group, and these are added up in float32, the first group first. An addition takes
both operands in dtype_activation, in which their sum has room. relu, max_pool2d and the moving ops
work on whatever integers they get.

All that is done in float32 is done alike in the simulation that `config.in_float()` realizes, where
the integers are float32 as well: it gives the same bits while sums stay below 2**24. The calibrated
module rounds sums of scaled values; an element that is nearly halfway between two steps may end on
the other, and in a deep net that is seen.

Every integer value also gets its float form, under the name it had in the float model; where nobody
uses that, it is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from tvm import relax

from ...tvm_types import Expr
from ..compat import (
    Call,
    array_of,
    dtype_of,
    name_of,
    rank_of,
    shape_of,
    type_of,
)
from .annotate import PASS_THROUGH
from .config import QConfig
from .op import Site, site_of, spread
from .rewrite import Emitter, op_name
from .weight_ops import Stored, grouped_matmul

STORABLE = ("int8", "int16", "int32", "uint8", "uint16", "uint32")
"""The dtypes of weights that numpy has too."""


@dataclass(frozen=True)
class Scale:
    """What integers are to be multiplied with: shape () or (channels,), along `axis`, float32; of
    a weight in groups (groups, channels), for the sums of each group.

    It is the product of the scales of `sites`, which are their variables.
    """

    values: np.ndarray
    axis: int
    sites: tuple[Any, ...]

    def times(self, other: Scale, axis: int) -> Scale:
        return Scale(self.values * other.values, axis, self.sites + other.sites)


@dataclass(frozen=True)
class Integer:
    """A variable of integers; times `scale` its value."""

    variable: Any
    scale: Scale


class IntegerRealizer:
    """Realizes the bindings of one block."""

    def __init__(self, config: QConfig) -> None:
        self._config = config
        self._dtypes = {
            "input": config.dtype_input,
            "weight": config.dtype_weight,
            "activation": config.dtype_activation,
        }
        self._integers: dict[Any, Integer] = {}
        """The integer form of the variables that have one."""

    def __call__(self, emit: Emitter, binding: Expr) -> None:
        variable, value = binding.var, binding.value
        site = site_of(value)
        if site is not None:
            self._site(emit, variable, site)
            return
        if self._is_grouped(value):
            self._bind_value(emit, variable, self._grouped(emit, variable, value))
            return
        result = self._op(emit, variable, value)
        if result is None:
            emit.keep(binding)
        else:
            self._bind(emit, variable, result)

    def _site(self, emit: Emitter, variable: Expr, site: Site) -> None:
        scale = Scale(site.scale, site.axis, (variable,))
        integer = Integer(self._steps(emit, variable, site), scale)
        if site.scale.ndim == 2:  # only a matmul reads it, which has its own way with the scales
            self._integers[variable] = integer
        else:
            self._bind(emit, variable, integer)

    def _steps(self, emit: Emitter, variable: Expr, site: Site) -> Any:
        """A variable of the values at a site, in steps of its scale."""
        make = self._weight if site.kind == "weight" else self._value
        return make(emit, variable, site)

    def _weight(self, emit: Emitter, variable: Expr, site: Site) -> Any:
        """In int8 if it fits, and cast to what was asked for by TVM, which then has its say about
        a dtype that numpy does not know."""
        counts, dtype = steps_of_weight(site), self._dtypes[site.kind]
        if dtype in STORABLE:
            return emit.new(f"{name_of(variable)}_{dtype}", relax.const(counts.astype(dtype)))
        stored = counts.astype("int8" if np.abs(counts).max(initial=0) < 128 else "int32")
        cast = relax.op.astype(relax.const(stored), dtype)
        return emit.new(f"{name_of(variable)}_{dtype}", cast)

    def _value(self, emit: Emitter, variable: Expr, site: Site) -> Any:
        name, dtype = name_of(variable), self._dtypes[site.kind]
        low, high = (float(end) for end in site.range)
        data = in_float32(emit, name, site.data)
        steps = emit.new(f"{name}_steps", relax.op.divide(data, relax.const(site.scale)))
        rounded = emit.new(f"{name}_rounded", relax.op.round(steps))
        clipped = emit.new(f"{name}_clipped", relax.op.clip(rounded, low, high))
        return emit.new(f"{name}_{dtype}", relax.op.astype(clipped, dtype))

    def _op(self, emit: Emitter, variable: Expr, call: Any) -> Integer | None:
        """The integer form of an op; None if it stays float."""
        name = op_name(call)
        needed = call.args[:1] if name in PASS_THROUGH else getattr(call, "args", [])
        operands = [self._integers.get(argument) for argument in needed]
        integers = [operand for operand in operands if operand is not None]
        if not integers or len(integers) < len(operands):
            return None
        if name == "nn.conv2d":
            result = self._conv2d(emit, call, *integers)
        elif name == "matmul":
            result = self._matmul(emit, call, *integers)
        elif name == "add" and self._are_addends(integers):
            result = relax.op.add(*[one.variable for one in integers]), integers[0].scale
        elif name in PASS_THROUGH and _passes(name, integers[0]):
            rest = [integers[0].variable, *call.args[1:]]
            result = Call(call.op, rest, call.attrs), integers[0].scale
        else:
            return None
        expression, scale = result
        return Integer(emit.new(f"{name_of(variable)}_integer", expression), scale)

    def _are_addends(self, integers: list[Integer]) -> bool:
        """Do they have room for their sum, and the same steps?"""
        room = all(
            str(type_of(one.variable).dtype) == self._config.dtype_activation for one in integers
        )
        return room and np.array_equal(integers[0].scale.values, integers[1].scale.values)

    def _conv2d(
        self, emit: Emitter, call: Any, data: Integer, weight: Integer
    ) -> tuple[Any, Scale]:
        attrs = call.attrs
        out_layout = str(attrs.out_layout) or str(attrs.data_layout)
        expression = relax.op.nn.conv2d(
            data.variable,
            weight.variable,
            strides=_numbers(attrs.strides),
            padding=_numbers(attrs.padding),
            dilation=_numbers(attrs.dilation),
            groups=int(attrs.groups),
            data_layout=str(attrs.data_layout),
            kernel_layout=str(attrs.kernel_layout),
            out_layout=out_layout,
            out_dtype=self._config.dtype_activation,
        )
        return expression, data.scale.times(weight.scale, out_layout.find("C"))

    def _matmul(self, emit: Emitter, call: Any, left: Integer, right: Integer) -> tuple[Any, Scale]:
        product = relax.op.matmul(left.variable, right.variable, self._config.dtype_activation)
        return product, left.scale.times(right.scale, rank_of(call) - 1)

    def _is_grouped(self, call: Any) -> bool:
        """Is it a product with a weight that has a scale for each group of rows?"""
        right = self._integers.get(call.args[1]) if op_name(call) == "matmul" else None
        return right is not None and right.scale.values.ndim == 2

    def _grouped(self, emit: Emitter, variable: Expr, call: Any) -> Any:
        """The product in float32: as each group has its scale, no integers add up to it."""
        left, right = (self._integers[operand] for operand in call.args)
        scale = self._factor(emit, variable, left.scale.times(right.scale, -1))
        return grouped_matmul(left.variable, right.variable, scale, self._stored(right))

    def _stored(self, weight: Integer) -> Stored:
        """How a weight of two axes is stored."""
        shape = shape_of(weight.variable)
        assert shape is not None
        return Stored(8, 0, shape[0], self._config.dtype_activation)

    def _bind(self, emit: Emitter, variable: Expr, integer: Integer) -> None:
        """The float form of an integer, under the name that it had as a float."""
        self._integers[variable] = integer
        cast = emit.new(f"{name_of(variable)}_float", relax.op.astype(integer.variable, "float32"))
        scale = self._factor(emit, variable, integer.scale)
        self._bind_value(emit, variable, relax.op.multiply(cast, scale))

    def _bind_value(self, emit: Emitter, variable: Expr, value: Any) -> None:
        """A value in float32, under the name and in the dtype that it had as a float."""
        dtype = dtype_of(variable)
        if dtype != "float32":
            # Sums are beyond the range of float16: only the value goes back to it.
            value = relax.op.astype(emit.new(f"{name_of(variable)}_value", value), dtype)
        emit.bind(variable, value)

    def _factor(self, emit: Emitter, variable: Expr, scale: Scale) -> Any:
        """The scale as it multiplies the integers that `variable` stands for."""
        return relax.const(spread(scale.values, scale.axis, rank_of(variable)))


def steps_of_weight(site: Site) -> np.ndarray:
    """The values of a weight in steps of its scales: float32, all of them integers."""
    weight = array_of(site.data).astype("float32")
    steps: np.ndarray = np.clip(np.rint(weight / site.spread(weight.shape)), *site.range)
    return steps


def in_float32(emit: Emitter, name: str, data: Any) -> Any:
    """Data as it is divided by scales, which are float32: steps of 16 bits are not exact in
    float16."""
    if dtype_of(data) == "float32":
        return data
    return emit.new(f"{name}_float32", relax.op.astype(data, "float32"))


def _passes(name: str, integer: Integer) -> bool:
    """May the op work on the integers? Where an op moves axes, only a scale for all of them."""
    return integer.scale.values.ndim == 0 or name in ("nn.relu", "nn.max_pool2d")


def _numbers(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values)
