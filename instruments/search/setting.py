"""What a trial sets: fields of a configuration, and the numbers that each step gets."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Protocol, Sequence, Tuple, Union

import numpy as np

from ..numerics.probe import Anchor, Probe
from ..protocol.ops import is_weighted

POWER2, MAX = "power2", "max"
"""Of weight_scale: the next power of two above the largest weight, or the largest weight itself."""

WIDEST = 8
"""Bits of a byte, in which all is kept."""

Steps = Tuple[Union[float, np.ndarray], float, float]
"""Scale (one, or one for each channel), least and greatest step of a site."""


class Setting(NamedTuple):
    """Fields as configurations have them; the first four are those of Relay's QConfig
    (python/tvm/relay/quantize/quantize.py)."""

    nbit_weight: int = WIDEST
    nbit_input: int = WIDEST
    weight_scale: str = POWER2
    global_scale: float = 8.0
    weight_bits: str = ""
    """A digit for each weight that is quantized of a convolution or dense, in running order; "":
    all nbit_weight."""
    skip: tuple[int, ...] = ()
    """Ops left in float beside those that are so anyway, by the numbers of Skippable."""

    def to_json(self) -> dict[str, Any]:
        """As an event has it; `skip` is told as a field of a configuration."""
        fields = dict(self._asdict())
        del fields["skip"]
        return fields


class Skippable(NamedTuple):
    """The ops that a configuration can leave in float, by the numbers that its `field` has for
    them: the sites that are there for each of them alone, and the numbers of those in float as it
    is."""

    field: str
    sites: dict[int, frozenset[int]]
    floats: Sequence[int]

    def off(self, setting: Setting) -> frozenset[int]:
        """The sites that the setting leaves out."""
        return frozenset().union(*(self.sites[number] for number in setting.skip))

    def told(self, setting: Setting) -> str:
        """The field of a configuration; "" where nothing more than usual is left in float."""
        if not setting.skip:
            return ""
        return f"{self.field}={'+'.join(map(str, sorted([*self.floats, *setting.skip])))}"


def skippable(probed: Probe, dialect: str, field: str, counts: Callable[[str], bool]) -> Skippable:
    """What `field` leaves in float. It counts, from 0 in running order, the ops of a name that
    `counts`."""
    sites, floats = {}, []
    counted = [index for index, anchor in enumerate(probed.anchors) if counts(anchor.op)]
    for number, index in enumerate(counted):
        feeding = probed.anchors[index].sites
        own = frozenset(site for site in feeding if probed.sites[site].feeds == [index])
        if any(probed.sites[site].kind == "weight" for site in own):
            sites[number] = own | _of_bias(probed, dialect, probed.anchors[index])
        else:
            floats.append(number)
    return Skippable(field, sites, floats)


def _of_bias(probed: Probe, dialect: str, skipped: Anchor) -> frozenset[int]:
    """The sites of what is added to an op's result where that is a constant: there are none where
    the op is in float (python/tvm/relay/quantize/_annotate.py, add_rewrite)."""
    sites: set[int] = set()
    for number, site in enumerate(probed.sites):
        if site.output != skipped.output:
            continue
        readers = [probed.anchors[reader] for reader in site.feeds]
        others = {other for reader in readers for other in reader.sites} - {number}
        is_bias = all(probed.sites[other].kind == "weight" for other in others)
        if is_bias and not any(is_weighted(dialect, reader.op) for reader in readers):
            sites |= {number, *others}
    return frozenset(sites)


class Weight(NamedTuple):
    """A quantized weight of a convolution or dense: the number of its site, and its size."""

    site: int
    values: int
    op: str
    shape: tuple[int, ...]


class Ranges(Protocol):
    """What the steps of a calibrated module come to, as the dialect's quantizer calibrates them."""

    @property
    def on_data(self) -> bool:
        """Were the ranges of activations found on data? Then no setting has them otherwise."""

    @property
    def weight_scales(self) -> Sequence[str]:
        """The ways to find a weight's range that the dialect has."""

    @property
    def widths(self) -> Sequence[int]:
        """Bits that a weight can have by itself, the most first."""

    @property
    def skippable(self) -> Skippable:
        """What can be left in float."""

    def weights(self, setting: Setting) -> list[Weight]:
        """Those that weight_bits counts, in its order: what is skipped has none."""

    def at(self, setting: Setting) -> dict[int, Steps]:
        """Of each site that the setting is about, by its number."""


def weights_of(probed: Probe, dialect: str) -> list[Weight]:
    """The weights that weight_bits counts, in running order."""
    weights = []
    for number, site in enumerate(probed.sites):
        ops = [probed.anchors[anchor].op for anchor in site.feeds]
        weighted = [op for op in ops if is_weighted(dialect, op)]
        if site.kind == "weight" and site.parameter in probed.values and weighted:
            shape = tuple(int(n) for n in probed.values[str(site.parameter)].shape)
            weights.append(Weight(number, int(np.prod(shape)), weighted[0], shape))
    return weights


def quantized(weights: Sequence[Weight], off: frozenset[int]) -> list[Weight]:
    """Those whose sites are not off."""
    return [weight for weight in weights if weight.site not in off]


def widths(weights: Sequence[Weight], setting: Setting) -> dict[int, int]:
    """Bits by site, where the setting has them for each weight. Raises ValueError for another
    number of them."""
    if not setting.weight_bits:
        return {}
    if len(setting.weight_bits) != len(weights):
        raise ValueError(f"{len(setting.weight_bits)} digits for {len(weights)} weights")
    return {weight.site: int(digit) for weight, digit in zip(weights, setting.weight_bits)}
