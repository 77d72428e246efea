"""Realize "qdq": float ops between relax.dequantize and relax.quantize, for a backend to match.

relax.quantize clips to the range of its dtype and not to that of the bits in use: what would go
beyond these is clipped before. Additions too take dtype_input here, as all ops add up in float.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tvm import relax

from ...tvm_types import Expr
from ..compat import array_of, dtype_of, name_of
from .config import QConfig
from .op import Site, site_of
from .realize_integer import in_float32
from .rewrite import Emitter


class QdqRealizer:
    """Realizes the bindings of one block."""

    def __init__(self, config: QConfig) -> None:
        self._config = config

    def __call__(self, emit: Emitter, binding: Expr) -> None:
        site = site_of(binding.value)
        if site is None:
            emit.keep(binding)
            return
        name = name_of(binding.var)
        is_weight = site.kind == "weight"
        dtype = self._config.dtype_weight if is_weight else self._config.dtype_input
        floats = None if is_weight else in_float32(emit, name, site.data)
        data = (
            _clipped_weight(site)
            if is_weight
            else emit.new(f"{name}_clipped", _clipped(floats, site))
        )
        scale, zero = relax.const(site.scale), relax.const(np.zeros_like(site.scale, "int8"))
        call = relax.op.quantize(data, scale, zero, site.axis, dtype)
        stored = emit.new(f"{name}_quantized", call)
        value = relax.op.dequantize(stored, scale, zero, site.axis, "float32")
        if dtype_of(binding.var) != "float32":
            value = relax.op.astype(emit.new(f"{name}_value", value), dtype_of(binding.var))
        emit.bind(binding.var, value)


def _clipped(data: Any, site: Site) -> Any:
    low, high = (float(end * site.scale) for end in site.range)
    return relax.op.clip(data, low, high)


def _clipped_weight(site: Site) -> Any:
    weight = array_of(site.data).astype("float32")
    low, high = (end * site.spread(weight.shape) for end in site.range)
    return relax.const(np.clip(weight, low, high).astype("float32"))
