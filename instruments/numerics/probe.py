"""A compiled model whose quantization steps can be switched: what is in it, and how it is run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Collection, Protocol, Sequence

import numpy as np

from ..tvm_types import Call


class Unsupported(Exception):
    """The module is not a plain graph of operators; the message says what is in the way."""


@dataclass
class Anchor:
    """An op that a person recognises from the model (see protocol.ops.ANCHORS).

    `output` is the number of its result among the outputs of the probe.
    """

    op: str
    span: str | None
    output: int
    sites: list[int]
    """The sites that feed it, with no other computation in between."""
    reads: list[int]
    """The nearest anchors before it."""


@dataclass
class Site:
    """A quantization step. `output` is where its data is, or None: then `parameter` names it.

    A value v becomes round(v / scale) steps, which are clipped to `least` and `clip`.
    """

    kind: str
    scale: list[float]
    """One, or one for each index of `axis`."""
    least: float
    clip: float
    data: str
    """What it quantizes: the name of an operator or of an input, or "constant"."""
    output: int | None
    parameter: str | None
    axis: int = -1
    groups: int = 0
    """Of a weight (rows, channels) whose rows have scales in groups: how many; the scales are then
    those of the first group, one for each channel, and so on."""
    feeds: list[int] = field(default_factory=list)
    """The anchors it feeds."""

    @property
    def scales(self) -> np.ndarray:
        """The scale, float32: (), (channels,) or (groups, channels)."""
        scale = np.asarray(self.scale if self.axis >= 0 else self.scale[0], "float32")
        return scale.reshape(self.groups, -1) if self.groups else scale

    def spread(self, shape: Sequence[int]) -> np.ndarray:
        """The scale, float32, in the shape in which it divides data of that shape."""
        if self.groups:
            return np.repeat(self.scales, shape[0] // self.groups, axis=0)
        spread = [-1 if index == self.axis else 1 for index in range(len(shape))]
        return self.scales.reshape(spread if len(self.scale) > 1 else ())


@dataclass
class Probe:
    """`module` has the parameters of the model, others in `values` by name, and switches.

    `results` are the model's own among its outputs.
    """

    module: Any
    values: dict[str, Any]
    """What has a `numpy()`."""
    anchors: list[Anchor]
    sites: list[Site]
    results: list[int]

    def feed(self) -> None:
        """Tell each site which anchors it feeds, once they are all known."""
        for number, anchor in enumerate(self.anchors):
            for site in anchor.sites:
                self.sites[site].feeds.append(number)


class Executor(Protocol):
    """A compiled probe."""

    def feed(self, inputs: dict[str, np.ndarray]) -> None:
        """Set the model's inputs for the runs to come."""

    def run(self, on: Collection[int]) -> None:
        """Run the model with the sites `on`, and all others off."""

    def output(self, number: int) -> np.ndarray:
        """A copy of an output of the last run."""


class ScalableExecutor(Executor, Protocol):
    """One whose sites can quantize in other steps."""

    def scale(self, site: int, scale: Any, least: float, clip: float) -> None:
        """Quantize at a site in steps of `scale` from `least` to `clip`, in the runs to come."""


def span_of(call: Call) -> str | None:
    """What an op is called in the model, if its call says so."""
    name = getattr(getattr(call.span, "source_name", None), "name", None)
    return str(name) if name else None
