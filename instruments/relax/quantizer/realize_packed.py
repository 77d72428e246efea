"""Realize "packed": as "integer", with weights of up to 4 bits several to a byte.

A matmul whose right operand is a weight of two axes takes the values out in its own kernel. All
other weights are unpacked before the op that reads them, each time the model runs; from there on it
is "integer". The same is computed in the same order, so that the bits of the result are the same.

A weight of more bits stays as it is. One of int4, say, whose values no op of TVM can read for
itself, comes out in int8; what is in float, or in bool, is not packed.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from tvm import relax

from ...tvm_types import Expr
from ..compat import name_of, rank_of
from . import packing
from .config import QConfig
from .op import Site
from .realize_integer import STORABLE, Integer, IntegerRealizer, Scale, steps_of_weight
from .rewrite import Emitter
from .weight_ops import Stored, packed_matmul, unpack


class _Weight(NamedTuple):
    """What a variable of bytes holds, once it is unpacked: a table of so many rows, as `shape`."""

    shape: tuple[int, ...]
    rows: int
    bits: int
    least: int


class PackedRealizer(IntegerRealizer):
    """Realizes the bindings of one block."""

    def __init__(self, config: QConfig) -> None:
        super().__init__(config)
        self._unpacked_dtype = _unpacked_dtype(config.dtype_weight)
        self._packed: dict[Any, _Weight] = {}
        """By the variable of the bytes."""

    def _site(self, emit: Emitter, variable: Expr, site: Site) -> None:
        packs = self._unpacked_dtype is not None and site.bits <= packing.WIDEST
        if site.kind != "weight" or not packs:
            super()._site(emit, variable, site)
            return
        least, _ = site.range
        steps = steps_of_weight(site).astype("int8")
        table = packing.as_table(steps, site.bits)
        packed = relax.const(packing.pack(table, site.bits, least))
        stored = emit.new(f"{name_of(variable)}_packed", packed)
        self._packed[stored] = _Weight(steps.shape, len(table), site.bits, least)
        self._integers[variable] = Integer(stored, Scale(site.scale, site.axis, (variable,)))

    def _conv2d(
        self, emit: Emitter, call: Any, data: Integer, weight: Integer
    ) -> tuple[Any, Scale]:
        return super()._conv2d(emit, call, data, self._unpacked(emit, weight, data))

    def _matmul(self, emit: Emitter, call: Any, left: Integer, right: Integer) -> tuple[Any, Scale]:
        weight = self._packed.get(right.variable)
        if weight is None or len(weight.shape) != 2 or left.variable in self._packed:
            left, right = self._unpacked(emit, left, right), self._unpacked(emit, right, left)
            return super()._matmul(emit, call, left, right)
        product = packed_matmul(left.variable, right.variable, self._stored(right))
        return product, left.scale.times(right.scale, rank_of(call) - 1)

    def _stored(self, weight: Integer) -> Stored:
        packed = self._packed.get(weight.variable)
        if packed is None:
            return super()._stored(weight)
        return Stored(packed.bits, packed.least, packed.rows, self._config.dtype_activation)

    def _unpacked(self, emit: Emitter, weight: Integer, meets: Integer) -> Integer:
        """The integers of a weight that is packed; any other as it is."""
        packed = self._packed.get(weight.variable)
        if packed is None:
            return weight
        name, dtype = name_of(weight.variable), str(self._unpacked_dtype)
        stored = Stored(packed.bits, packed.least, packed.rows, dtype)
        table = emit.new(f"{name}_table", unpack(weight.variable, meets.variable, stored))
        values = emit.new(f"{name}_{dtype}", relax.op.reshape(table, packed.shape))
        return Integer(values, weight.scale)


def _unpacked_dtype(dtype: str) -> str | None:
    """In what the values of a packed weight come out; None where it is not packed."""
    if dtype in STORABLE:
        return dtype
    return "int8" if re.fullmatch(r"u?int[1-7]", dtype) else None
