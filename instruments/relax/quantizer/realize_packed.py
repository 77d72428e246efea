"""Realize "packed": as "integer", with weights of up to four bits several to a byte.

They are unpacked in the graph, before a convolution, or in the kernel, of a multiplication by a
matrix; what is computed then is what realize "integer" computes, on the same integers: it gives the
same bits. Weights of five bits and more are kept in int8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tvm import relax

from ...tvm_types import Expr
from . import packing
from .compat import name_of
from .config import QConfig
from .op import Site
from .packed_op import SUMS, packed_matmul, unpack
from .realize_integer import Integer, IntegerRealizer, Scale
from .rewrite import Emitter


@dataclass(frozen=True)
class Stored:
    """A weight as it is kept: the variable of its bytes, and what it was."""

    variable: Any
    bits: int
    shape: tuple[int, ...]


class PackedRealizer(IntegerRealizer):
    """Realizes the bindings of one block. `beside`: a parameter of the function, see packed_op."""

    def __init__(self, config: QConfig, beside: Expr) -> None:
        super().__init__(config)
        self._beside = beside
        self._stored: dict[Any, Stored] = {}
        """Packed weights by the variable that holds them unpacked."""

    def _weight(self, emit: Emitter, variable: Expr, site: Site) -> Any:
        counts = self._counts(site)
        small = site.bits <= packing.WIDEST and self._dtypes["weight"] == "int8" and counts.ndim
        if not small:
            return super()._weight(emit, variable, site)
        name, shape = name_of(variable), tuple(int(size) for size in counts.shape)
        held = emit.new(f"{name}_packed", relax.const(packing.packed(counts, site.bits)))
        call = unpack(held, self._beside, site.bits, shape)
        unpacked = emit.new(f"{name}_{self._dtypes['weight']}", call)
        self._stored[unpacked] = Stored(held, site.bits, shape)
        return unpacked

    def _matmul(self, call: Any, left: Integer, right: Integer) -> tuple[Any, Scale]:
        product, scale = super()._matmul(call, left, right)
        stored = self._stored.get(right.variable)
        is_matrix = stored is not None and len(stored.shape) == 2
        if stored is None or not is_matrix or self._config.dtype_activation != SUMS:
            return product, scale
        data = left.variable
        return packed_matmul(data, stored.variable, stored.bits, stored.shape[0]), scale
