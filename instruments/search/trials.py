"""Settings tried on a compiled model: each once, and written down as soon as it is known.

trial     nbit_weight, nbit_input, weight_scale, global_scale; inputs: how many it was run on;
          cosine to the float model, in the mean and of the worst of them; sqnr_db in the mean;
          same: the share of rows with the float model's top-1, null where outputs are no scores
"""

from __future__ import annotations

import time
from typing import Dict, NamedTuple, Sequence

import numpy as np

from ..numerics.figures import error
from ..numerics.probe import Probe, ScalableExecutor
from ..recording.journal import Journal
from .setting import Ranges, Setting

Inputs = Dict[str, np.ndarray]


class TimeUp(Exception):
    """There is no time for another trial."""


class Score(NamedTuple):
    """Cosine to the float model. What holds no finite number at all has -1."""

    worst: float
    cosine: float
    sqnr_db: float | None
    same: float | None


class Trials:
    """Runs a probe with its sites scaled anew. `seconds` from now on."""

    def __init__(
        self,
        journal: Journal,
        probed: Probe,
        executor: ScalableExecutor,
        batches: Sequence[Inputs],
        seconds: float,
    ) -> None:
        self._journal = journal
        self._probe = probed
        self._executor = executor
        self._batches = batches
        self._until = time.perf_counter() + seconds
        self._ranges = Ranges(probed)
        self._scores: dict[tuple[Setting, int], Score] = {}
        self._float = [self._run(batch, ()) for batch in batches]
        self._tell = journal.progress("settings tried")

    @property
    def inputs(self) -> int:
        """How many there are."""
        return len(self._batches)

    def of(self, setting: Setting, inputs: int) -> Score:
        """How a setting does on the first so many inputs. Raises TimeUp."""
        key = setting, min(inputs, self.inputs)
        if key not in self._scores:
            if time.perf_counter() > self._until:
                raise TimeUp
            self._scores[key] = self._score(*key)
            self._journal.event(
                "trial", **setting.to_json(), inputs=key[1], **self._scores[key]._asdict()
            )
            self._tell(len(self._scores), len(self._scores))
        return self._scores[key]

    def _score(self, setting: Setting, inputs: int) -> Score:
        for site, numbers in self._ranges.at(setting).items():
            self._executor.scale(site, *numbers)
        on = range(len(self._probe.sites))
        figures, same = [], []
        for batch, floats in zip(self._batches[:inputs], self._float):
            ours = self._run(batch, on)
            figures.append(error(ours, floats))
            same += [_same(one, other) for one, other in zip(ours, floats) if one.ndim == 2]
        cosines = [-1.0 if one["cosine"] is None else float(one["cosine"]) for one in figures]
        decibels = [one["sqnr_db"] for one in figures if one["sqnr_db"] is not None]
        return Score(
            min(cosines),
            sum(cosines) / len(cosines),
            sum(decibels) / len(decibels) if decibels else None,
            sum(same) / len(same) if same else None,
        )

    def _run(self, batch: Inputs, on: Sequence[int]) -> list[np.ndarray]:
        self._executor.feed(batch)
        self._executor.run(on)
        return [self._executor.output(number) for number in self._probe.results]


def _same(ours: np.ndarray, floats: np.ndarray) -> float:
    """The share of rows with the same largest value."""
    return float(np.mean(np.argmax(ours, axis=1) == np.argmax(floats, axis=1)))
