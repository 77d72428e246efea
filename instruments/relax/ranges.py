"""The numbers of quantization steps on Relax, as this project's quantizer calibrates them."""

from __future__ import annotations

from ..numerics.probe import Probe, Site
from ..protocol.schema import RELAX
from ..search.setting import (
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
from .quantizer.annotate import ANCHORS
from .quantizer.config import value_range


class Ranges:
    """See search.setting.Ranges. A range stays as it was found, however many steps lead there."""

    on_data = True
    widths = (WIDEST, 4, 2)  # what fills a byte (quantizer/packing.py): others save nothing
    weight_scales = (POWER2,)  # stands for its own, which no field names

    def __init__(self, probed: Probe) -> None:
        self._sites = probed.sites
        self._weights = weights_of(probed, RELAX)
        self.skippable = skippable(probed, RELAX, "skip", ANCHORS.__contains__)

    def weights(self, setting: Setting) -> list[Weight]:
        return quantized(self._weights, self.skippable.off(setting))

    def at(self, setting: Setting) -> dict[int, Steps]:
        bits = widths(self.weights(setting), setting)
        ranges: dict[int, Steps] = {}
        for number, site in enumerate(self._sites):
            if site.kind == "weight":
                ranges[number] = _steps(site, bits.get(number, setting.nbit_weight))
            elif site.kind == "input":
                ranges[number] = _steps(site, setting.nbit_input)
        return ranges


def _steps(site: Site, nbit: int) -> Steps:
    least, greatest = value_range(nbit, signed=site.least < 0)
    calibrated = max(-site.least, site.clip)
    return site.scales * (calibrated / max(-least, greatest)), float(least), float(greatest)
