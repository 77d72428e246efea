"""What a trial sets: fields of TVM's QConfig, and the numbers that each quantization step gets."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..numerics.probe import Probe, Site

POWER2, MAX = "power2", "max"
"""Of weight_scale: the next power of two above the largest weight, or the largest weight itself."""


class Setting(NamedTuple):
    """Fields as relay.quantize.qconfig takes them (python/tvm/relay/quantize/quantize.py)."""

    nbit_weight: int = 8
    nbit_input: int = 8
    weight_scale: str = POWER2
    global_scale: float = 8.0

    def to_json(self) -> dict[str, Any]:
        """As an event has it."""
        return dict(self._asdict())


class Ranges:
    """What the steps of a calibrated module come to at a setting, as TVM calibrates them.

    See python/tvm/relay/quantize/_calibrate.py, _set_params, _power2_scale, _global_scale: a range
    r in b bits, one of them for the sign, has 2**(b - 1) steps of r / 2**(b - 1).
    """

    def __init__(self, probed: Probe) -> None:
        self._sites = probed.sites
        self._largest = {
            number: float(np.max(np.abs(probed.values[str(site.parameter)].numpy())))
            for number, site in enumerate(probed.sites)
            if site.kind == "weight" and site.parameter in probed.values
        }

    def at(self, setting: Setting) -> dict[int, tuple[float, float, float]]:
        """Scale, least and greatest step of each site that the setting is about."""
        ranges: dict[int, tuple[float, float, float]] = {}
        for number, site in enumerate(self._sites):
            if site.kind == "weight" and number in self._largest:
                reach = _weights(self._largest[number], setting.weight_scale)
                ranges[number] = _steps(site, reach, setting.nbit_weight)
            elif site.kind == "input":
                ranges[number] = _steps(site, setting.global_scale, setting.nbit_input)
        return ranges


def _weights(largest: float, weight_scale: str) -> float:
    if weight_scale == MAX:
        return largest
    return float(2.0 ** np.ceil(np.log2(largest))) if largest > 0 else 1.0


def _steps(site: Site, reach: float, nbit: int) -> tuple[float, float, float]:
    steps = 2.0 ** (nbit - (1 if site.least < 0 else 0))
    return reach / steps, -(steps - 1) if site.least < 0 else 0.0, steps - 1
