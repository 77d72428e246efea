"""Settings tried on a compiled model: each once, and written down as soon as it is known.

trial     the fields of a setting (see setting.py); `average`, bits a value of the weights; inputs:
          how many it was run on; cosine to the float model, in the mean and of the worst of them;
          sqnr_db in the mean; same: the share of rows with the float model's top-1, null where
          outputs are no scores; right: is it, by Bounds?
          skip: the field of a configuration that leaves ops in float, "" where none are that would
          not be so anyway
weight    one of those that weight_bits counts: op, shape, values; `noise` at so many `bits`, with
          all else in float, on so many `inputs` (see Score)
"""

from __future__ import annotations

import time
from typing import Dict, Sequence

import numpy as np

from ..numerics.probe import Probe, ScalableExecutor
from ..recording.journal import Journal
from .score import Bounds, Judge, Score
from .setting import MAX, Ranges, Setting

Inputs = Dict[str, np.ndarray]

_FEWEST, _MOST = 4, 16
"""Most trials are on no fewer inputs than these, where there are as many, and on no more."""

_OF_ALL = 0.005
"""And on as many as run in this share of the time for all."""

_FLOAT_BITS = 32


class TimeUp(Exception):
    """There is no time for another trial."""


class Trials:
    """Runs a probe with its sites scaled anew. `seconds` from now on."""

    def __init__(
        self,
        journal: Journal,
        probed: Probe,
        executor: ScalableExecutor,
        ranges: Ranges,
        batches: Sequence[Inputs],
        bounds: Bounds,
        seconds: float,
    ) -> None:
        self._journal = journal
        self._probe = probed
        self._executor = executor
        self._batches = batches
        self._began = time.perf_counter()
        self._until = self._began + seconds
        self.ranges = ranges
        self._ran, self._seconds = 0, 0.0
        self._scores: dict[tuple[Setting, int], Score] = {}
        self._judge = Judge([self._run(batch, ()) for batch in batches], bounds)
        affordable = int(_OF_ALL * seconds * self._ran / self._seconds)
        self.few = min(max(affordable, _FEWEST), _MOST, len(batches))
        """Inputs that most trials are on."""
        self._tell = journal.progress("settings tried")

    @property
    def spent(self) -> float:
        """Seconds since it began."""
        return time.perf_counter() - self._began

    @property
    def inputs(self) -> int:
        """How many there are."""
        return len(self._batches)

    def of(self, setting: Setting, inputs: int) -> Score:
        """How a setting does on the first so many inputs. Raises TimeUp."""
        key = setting, min(inputs, self.inputs)
        if key not in self._scores:
            score = self._scores[key] = self._score(*key)
            self._journal.event(
                "trial",
                **setting.to_json(),
                average=self.average(setting),
                inputs=key[1],
                worst=score.worst,
                cosine=score.cosine,
                sqnr_db=score.sqnr_db,
                same=score.same,
                right=score.right,
                skip=self.ranges.skippable.told(setting),
            )
            self._tell(len(self._scores), len(self._scores))
        return self._scores[key]

    def looks_right(self, setting: Setting) -> bool:
        """Is it right on a few inputs? Raises TimeUp."""
        return self.of(setting, self.few).right

    def last_right(self, settings: Sequence[Setting]) -> Setting | None:
        """The last that is right on all inputs, of some that look right on a few; None if none is.
        Raises TimeUp."""
        right = (s for s in reversed(settings) if self.of(s, self.inputs).right)
        return next(right, None)

    def affordable(self, share: float) -> float:
        """For how many runs of the model a share of the time that is left will do."""
        remaining = self._until - time.perf_counter()
        return share * remaining * self._ran / self._seconds

    def alone(self, number: int, skip: tuple[int, ...], bits: int, inputs: int) -> float:
        """The noise that a weight makes at so many bits on the first so many inputs, with all else
        in float; `number` is its place in the digits of a setting that skips so. Raises TimeUp."""
        setting = Setting(weight_scale=MAX, skip=skip)
        weights = self.ranges.weights(setting)
        weight, digits = weights[number], str(bits) * len(weights)
        score = self._score(setting._replace(weight_bits=digits), inputs, [weight.site])
        self._journal.event(
            "weight",
            index=number,
            op=weight.op,
            shape=list(weight.shape),
            values=weight.values,
            bits=bits,
            noise=score.noise,
            inputs=inputs,
        )
        return score.noise

    def op_alone(self, number: int, setting: Setting, inputs: int) -> float:
        """The noise that a skippable op makes by itself at a setting on the first so many inputs,
        with all else in float. Raises TimeUp."""
        return self._score(setting, inputs, list(self.ranges.skippable.sites[number])).noise

    def average(self, setting: Setting) -> float:
        """Bits a value of the weights, those in float for its sake counted as such."""
        weights = self.ranges.weights(setting)
        digits = setting.weight_bits or str(setting.nbit_weight) * len(weights)
        bits = {weight.site: int(digit) for weight, digit in zip(weights, digits)}
        every = self.ranges.weights(Setting())
        values = sum(weight.values for weight in every)
        return sum(w.values * bits.get(w.site, _FLOAT_BITS) for w in every) / values

    def _score(self, setting: Setting, inputs: int, only: Sequence[int] | None = None) -> Score:
        if time.perf_counter() > self._until:
            raise TimeUp
        for site, numbers in self.ranges.at(setting).items():
            self._executor.scale(site, *numbers)
        off = self.ranges.skippable.off(setting)
        everywhere = [site for site in range(len(self._probe.sites)) if site not in off]
        on = everywhere if only is None else only
        ours = [self._run(batch, on) for batch in self._batches[:inputs]]
        return self._judge.score(ours)

    def _run(self, batch: Inputs, on: Sequence[int]) -> list[np.ndarray]:
        began = time.perf_counter()
        self._executor.feed(batch)
        self._executor.run(on)
        self._ran += 1
        self._seconds += time.perf_counter() - began
        return [self._executor.output(number) for number in self._probe.results]
