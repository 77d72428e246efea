"""QuantizeCalibrate: the scale of every site.

A scale is a bound on magnitudes over the steps from 0 to it. A weight's bound is its own largest
magnitude, of a channel or of a group in it; an activation's comes from running the model on data
(thresholds). The operands of an addition share the larger of their two.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tvm

from ...tvm_types import Expr, IRModule
from ..compat import array_of
from . import observe
from .config import Batches, QConfig, steps
from .op import Site, simulated_quantize, site_of
from .rewrite import Emitter, bindings_of, op_name, rewritten
from .thresholds import MODES, NEEDS_DATA, Magnitudes

FLOOR = 2.0**-10
"""No scale is less than this share of the weight's largest: a channel that is all but
dead (ImageNet's ResNets have some) would get one with which float32 has trouble."""


def calibrate(config: QConfig, batches: Batches | None = None) -> Any:
    """The pass. What it gives simulates the quantized model, and can be compiled and run as it is.

    Raises ValueError for a mode that there is not, and where a mode that needs data has none.
    """
    if config.calibrate_mode not in MODES:
        modes = ", ".join(MODES)
        raise ValueError(f"no calibrate_mode {config.calibrate_mode!r}: choose one of {modes}")

    def transform(module: IRModule, context: Any) -> Any:
        with config:
            return _filled_in(module, _scales(module, config, batches))

    return tvm.transform.module_pass(transform, opt_level=0, name="QuantizeCalibrate")


def _scales(module: IRModule, config: QConfig, batches: Batches | None) -> list[np.ndarray]:
    """Of each site, in order: float32, (channels,) for a weight with an axis, (groups, channels)
    for one with groups, else ()."""
    sites: list[Site] = []
    numbers: dict[Any, int] = {}
    pairs = []
    for binding in bindings_of(module):
        site = site_of(binding.value)
        if site is not None:
            numbers[binding.var] = len(sites)
            sites.append(site)
        elif op_name(binding.value) == "add":
            pairs.append([numbers.get(operand) for operand in binding.value.args])
    bounds = _bounds(module, sites, config, batches)
    for left, right in pairs:
        if left is not None and right is not None:
            bounds[left] = bounds[right] = np.maximum(bounds[left], bounds[right])
    return [_scale(bound, site) for bound, site in zip(bounds, sites)]


def _bounds(
    module: IRModule, sites: list[Site], config: QConfig, batches: Batches | None
) -> list[np.ndarray]:
    mode = config.calibrate_mode
    seen = [Magnitudes(counted=mode != "minmax") for _ in sites]
    if mode in NEEDS_DATA and any(site.kind != "weight" for site in sites):
        done = observe.run(module, batches or [], lambda number, values: seen[number].add(values))
        if not done:
            raise ValueError(f"calibrate_mode {mode!r} needs data: give at least one batch")
    _check_groups(sites, config)
    bounds = []
    for site, magnitudes in zip(sites, seen):
        if site.kind == "weight":
            weight = array_of(site.data).astype("float32")
            grouped = _in_groups(weight, site.axis, config)
            bounds.append(_bound_of_weight(weight, site.axis) if grouped is None else grouped)
        elif mode in NEEDS_DATA:
            levels = steps(site.bits, site.signed)
            bounds.append(np.asarray(magnitudes.threshold(mode, levels)))
        else:
            bounds.append(np.asarray(config.global_scale))
    return bounds


def _bound_of_weight(weight: np.ndarray, axis: int) -> np.ndarray:
    if axis < 0:
        return np.asarray(np.abs(weight).max(initial=0.0))
    others = tuple(index for index in range(weight.ndim) if index != axis)
    return _floored(np.abs(weight).max(axis=others, initial=0.0))


def _floored(bounds: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(bounds, bounds.max(initial=0.0) * FLOOR))


def _check_groups(sites: list[Site], config: QConfig) -> None:
    """Raises ValueError where weights could have groups, and `group` divides none of them."""
    weights = [array_of(site.data) for site in sites if site.kind == "weight" and site.axis == 1]
    rows = sorted({len(weight) for weight in weights if weight.ndim == 2})
    grouped = config.group > 0 and config.realize != "qdq"
    if grouped and rows and all(count % config.group for count in rows):
        counts = ", ".join(map(str, rows[:8]))
        raise ValueError(
            f"group={config.group} divides the rows of no weight of a matmul ({counts})"
        )


def _in_groups(weight: np.ndarray, axis: int, config: QConfig) -> np.ndarray | None:
    """The bound (groups, channels) of a matmul's weight; None where it has no groups."""
    rows, group = len(weight), config.group
    is_matmul = weight.ndim == 2 and axis == 1
    if not is_matmul or group < 1 or rows % group or config.realize == "qdq":
        return None
    return _floored(np.abs(weight).reshape(rows // group, group, -1).max(axis=1))


def _scale(bound: np.ndarray, site: Site) -> np.ndarray:
    """What is always 0 gets a scale of 1: any will do."""
    scale = np.asarray(bound, "float32") / np.float32(steps(site.bits, site.signed))
    return np.where(scale > 0, scale, np.float32(1)).astype("float32")


def _filled_in(module: IRModule, scales: list[np.ndarray]) -> Any:
    remaining = iter(scales)

    def rewrite(emit: Emitter, binding: Expr) -> None:
        site = site_of(binding.value)
        if site is None:
            emit.keep(binding)
            return
        call = simulated_quantize(
            site.data, next(remaining), site.kind, site.bits, site.signed, site.axis
        )
        emit.bind(binding.var, call)

    return rewritten(module, lambda: rewrite)
