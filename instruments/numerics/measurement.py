"""Each op's error against float, from one compiled model whose quantization steps can be switched.

A dialect makes the model (`probe.py` of relay and relax): a Probe says what is in it, an Executor
runs it with any set of its sites on. What is written down of each, as events of a journal:

    site      a quantization step: what goes in, scale, clip, share of values clipped
    output    the model's outputs, everything quantized, against float
    anchor    an op's result, everything quantized (propagated) and only its own inputs (alone)
    progress  what, done, of
"""

from __future__ import annotations

import time
from typing import Any, Iterable

import numpy as np

from ..recording.journal import Journal
from .figures import count, error, finite, largest, saturated, zeroed
from .probe import Executor, Probe, Site


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
        tell = self._journal.progress("ops")
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
                float={"nan": count(np.isnan, reference), "inf": count(np.isinf, reference)},
                propagated=propagated[number],
                alone=alone,
                at_output=at_output,
            )
            if number % 10 == 9:
                tell(number + 1, len(probed.anchors))

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
        scale = site.spread(floats.shape)
        return {
            "feeds": site.feeds,
            "of": site.kind,
            "data": site.data,
            "shape": list(floats.shape),
            "scale": finite(np.max(scale)),
            "least_scale": finite(np.min(scale)),
            "clip": site.clip,
            "saturated": saturated(ours, scale, site.clip, site.least),
            "saturated_alone": saturated(floats, scale, site.clip, site.least),
            "zeroed": zeroed(floats, scale),
            "largest": largest(floats),
        }
