"""The numbers of quantization steps on Relay, as TVM calibrates them at any setting.

See python/tvm/relay/quantize/_calibrate.py, _set_params, _power2_scale, _global_scale: a range r in
b bits, one of them for the sign, has 2**(b - 1) steps of r / 2**(b - 1).
"""

from __future__ import annotations

from typing import Sequence

import numpy as np

from ..numerics.probe import Probe, Site
from ..protocol.schema import RELAY
from ..search.assignment import NARROWEST
from ..search.setting import (
    MAX,
    POWER2,
    WIDEST,
    Setting,
    Steps,
    Weight,
    quantized,
    skippable,
    weights_of,
    widths,
)


class Ranges:
    """See search.setting.Ranges. A bias is a weight too, of nbit_weight."""

    widths = range(WIDEST, NARROWEST - 1, -1)
    weight_scales: Sequence[str] = (POWER2, MAX)

    def __init__(self, probed: Probe, on_data: bool) -> None:
        self.on_data = on_data
        self._sites = probed.sites
        self._weights = weights_of(probed, RELAY)
        self.skippable = skippable(probed, RELAY, "skip_conv_layers", "nn.conv2d".__eq__)
        self._largest = {
            number: float(np.max(np.abs(probed.values[str(site.parameter)].numpy())))
            for number, site in enumerate(probed.sites)
            if site.kind == "weight" and site.parameter in probed.values
        }

    def weights(self, setting: Setting) -> list[Weight]:
        return quantized(self._weights, self.skippable.off(setting))

    def at(self, setting: Setting) -> dict[int, Steps]:
        bits = widths(self.weights(setting), setting)
        ranges: dict[int, Steps] = {}
        for number, site in enumerate(self._sites):
            if site.kind == "weight" and number in self._largest:
                reach = _reach(self._largest[number], setting.weight_scale)
                ranges[number] = _steps(site, reach, bits.get(number, setting.nbit_weight))
            elif site.kind == "input":
                reach = site.scale[0] * (site.clip + 1) if self.on_data else setting.global_scale
                ranges[number] = _steps(site, reach, setting.nbit_input)
        return ranges


def _reach(largest: float, weight_scale: str) -> float:
    if weight_scale == MAX:
        return largest
    return float(2.0 ** np.ceil(np.log2(largest))) if largest > 0 else 1.0


def _steps(site: Site, reach: float, nbit: int) -> Steps:
    steps = 2.0 ** (nbit - (1 if site.least < 0 else 0))
    return reach / steps, -(steps - 1) if site.least < 0 else 0.0, steps - 1
