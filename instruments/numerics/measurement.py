"""Each op's error against float, from one compiled model whose quantization steps can be switched.

A dialect makes the model (`probe.py` of relay and relax): a Probe says what is in it, an Executor
runs it with any set of its sites on. What is written down of each, as events of a journal:

    site      a quantization step: what goes in, scale, clip, share of values clipped
    output    the model's outputs, everything quantized, against float
    anchor    an op's result, everything quantized (propagated) and only its own inputs (alone)
    progress  what, done, of
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Collection, Iterable, Protocol

import numpy as np

from ..recording.journal import Journal
from ..tvm_types import Call

ANCHOR = re.compile(
    r"conv1d|conv2d|conv3d|dense|matmul|max_pool|avg_pool|softmax"
    r"|^(?:add|nn\.bias_add|nn\.batch_norm|multiply|mean|concat|concatenate)$"
)
"""The operators that a person recognises from the model: those of
tvmq_diag.analysis.dtype_timeline.ANCHORS."""

PASSING = re.compile(r"max_pool|^concat(?:enate)?$")
"""Anchors that only choose among the values they get: a quantization step before them is also one
of the op behind them, which reads the very values that the step made."""


class Unsupported(Exception):
    """The module is not a plain graph of operators; the message says what is in the way."""


@dataclass
class Anchor:
    """An anchor op. `output` is the number of its result among the outputs of the probe."""

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
    feeds: list[int] = field(default_factory=list)
    """The anchors it feeds."""

    def spread(self, rank: int) -> np.ndarray:
        """The scale, float32, in the shape in which it divides data of that rank."""
        shape = [-1 if index == self.axis else 1 for index in range(rank)]
        return np.asarray(self.scale, "float32").reshape(shape if len(self.scale) > 1 else ())


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

    def run(self, on: Collection[int]) -> None:
        """Run the model with the sites `on`, and all others off."""

    def output(self, number: int) -> np.ndarray:
        """A copy of an output of the last run."""


class Measurement:
    """Runs a probe with sites on and off and writes down what comes of it.

    Memory: a copy of all outputs of the float run, and the executor's own of the run at hand.
    """

    def __init__(
        self,
        journal: Journal,
        probed: Probe,
        executor: Executor,
        inputs: dict[str, np.ndarray],
    ) -> None:
        self._journal = journal
        self._probe = probed
        self._executor = executor
        self._inputs = inputs
        self._float: dict[int, np.ndarray] = {}

    def all(self, seconds: float) -> None:
        """Measure everything, one op at a time for as long as `seconds` allow."""
        probed = self._probe
        self._executor.run(())
        self._float = {i: self._executor.output(i) for i in self._looked_at()}
        self._executor.run(range(len(probed.sites)))
        for number, site in enumerate(probed.sites):
            self._journal.event("site", index=number, **self._site(site))
        final = self._result()
        shapes = [list(self._float[i].shape) for i in probed.results]
        self._journal.event("output", shapes=shapes, propagated=final)
        propagated = [self._against_float([anchor.output]) for anchor in probed.anchors]
        until = time.perf_counter() + seconds
        for number, anchor in enumerate(probed.anchors):
            alone, at_output = None, None
            if anchor.sites and time.perf_counter() < until:
                self._executor.run(anchor.sites)
                alone, at_output = self._against_float([anchor.output]), self._result()
            reference = self._float[anchor.output]
            self._journal.event(
                "anchor",
                index=number,
                op=anchor.op,
                span=anchor.span,
                shape=list(reference.shape),
                sites=anchor.sites,
                reads=anchor.reads,
                float={"nan": _count(np.isnan, reference), "inf": _count(np.isinf, reference)},
                propagated=propagated[number],
                alone=alone,
                at_output=at_output,
            )
            if number % 10 == 9:
                telling(self._journal, "ops")(number + 1, len(probed.anchors))

    def _looked_at(self) -> set[int]:
        probed = self._probe
        places = [anchor.output for anchor in probed.anchors]
        places += [site.output for site in probed.sites if site.output is not None]
        return {*places, *probed.results}

    def _result(self) -> dict[str, Any]:
        return self._against_float(self._probe.results)

    def _against_float(self, numbers: Iterable[int]) -> dict[str, Any]:
        numbers = list(numbers)
        ours = [self._executor.output(i) for i in numbers]
        return error(ours, [self._float[i] for i in numbers])

    def _site(self, site: Site) -> dict[str, Any]:
        """Call it after the run with everything on."""
        if site.output is not None:
            floats, ours = self._float[site.output], self._executor.output(site.output)
        else:
            assert site.parameter is not None
            held = self._inputs.get(site.parameter)
            floats = self._probe.values[site.parameter].numpy() if held is None else held
            ours = floats
        scale = site.spread(floats.ndim)
        return {
            "feeds": site.feeds,
            "of": site.kind,
            "data": site.data,
            "shape": list(floats.shape),
            "scale": _finite(np.max(scale)),
            "least_scale": _finite(np.min(scale)),
            "clip": site.clip,
            "saturated": saturated(ours, scale, site.clip, site.least),
            "saturated_alone": saturated(floats, scale, site.clip, site.least),
            "zeroed": zeroed(floats, scale),
            "largest": _largest(floats),
        }


def span_of(call: Call) -> str | None:
    """What an op is called in the model, if its call says so."""
    name = getattr(getattr(call.span, "source_name", None), "name", None)
    return str(name) if name else None


def telling(journal: Journal, what: str) -> Callable[[int, int], None]:
    """Writes down how far something has got, when it is called with how much is done and of how
    much."""
    return lambda done, total: journal.event("progress", what=what, done=done, of=total)


def error(ours: list[np.ndarray], floats: list[np.ndarray]) -> dict[str, Any]:
    """How far tensors are from the float model's, all of them together.

    cosine: of the flattened values. sqnr_db: 10·log10(signal/noise power), the float model's values
    being the signal. max_abs_error: in the tensors' own unit. nan, inf: how many values of `ours`
    are not finite. The other figures are of the values that are finite in both, None where they are
    not finite themselves: no noise at all gives an sqnr_db of None with a max_abs_error of 0.

    Raises ValueError when shapes differ.
    """
    if [a.shape for a in ours] != [b.shape for b in floats]:
        raise ValueError("the shapes differ from the float model's")
    a = np.concatenate([np.asarray(x, np.float64).ravel() for x in ours])
    b = np.concatenate([np.asarray(x, np.float64).ravel() for x in floats])
    counts = {"nan": _count(np.isnan, a), "inf": _count(np.isinf, a)}
    finite = np.isfinite(a) & np.isfinite(b)
    if not finite.all():
        a, b = a[finite], b[finite]
    with np.errstate(all="ignore"):
        noise = a - b
        signal = b @ b
        return {
            "cosine": _finite(a @ b / np.sqrt((a @ a) * signal)),
            "sqnr_db": _finite(10 * np.log10(signal / (noise @ noise))),
            "max_abs_error": _finite(np.max(np.abs(noise))) if noise.size else None,
            **counts,
        }


def saturated(data: np.ndarray, scale: np.ndarray, clip: float, least: float) -> float | None:
    """The share of values, 0 to 1, that are clipped: that round to fewer steps than `least` or to
    more than `clip`. `scale` is float32, of a shape that divides `data`."""
    with np.errstate(all="ignore"):
        steps = data / scale
        return _share((steps >= clip + 0.5) | (steps <= least - 0.5))


def zeroed(data: np.ndarray, scale: np.ndarray) -> float | None:
    """The share of values, 0 to 1, that are not zero and round to it."""
    with np.errstate(all="ignore"):
        return _share((np.abs(data / scale) < 0.5) & (data != 0))


def _share(chosen: np.ndarray) -> float | None:
    return float(chosen.mean()) if chosen.size else None


def _largest(data: np.ndarray) -> float | None:
    """The largest magnitude among the finite values."""
    finite = data[np.isfinite(data)]
    return float(np.abs(finite).max()) if finite.size else None


def _count(test: Callable[[np.ndarray], np.ndarray], data: np.ndarray) -> int:
    return int(np.count_nonzero(test(data)))


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
