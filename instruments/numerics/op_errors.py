"""How far quantization moves the numbers, op by op: what simulating it says, whatever the dialect.

Events: those of measurement.py and

    facts     values: target, qconfig, simulation (whose: "tvm" or "tvmq_diag"), input seed,
              `seconds` by phase: import, calibrate, build, run
    fault     where, message: nothing more follows

What a simulation shows is rounding and clipping at each step, in float. What it does not: sums that
overflow, and wrong code. Those are in the outputs of the realized model, which the compile compares
(tvmq_diag.measurements.metrics). A dialect's numerics.py says what else is left out there.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np

from ..inputs import dataset, target
from ..inputs.models import Model
from ..protocol.jobs import BisectJob, NumericsJob, TracedJob
from ..protocol.schema import SCHEMA
from ..recording.journal import Journal
from ..search.setting import Ranges
from ..tvm_types import Target
from .measurement import Measurement
from .probe import Executor, Probe, ScalableExecutor

Inputs = Dict[str, np.ndarray]
"""A model's, by name."""


class NumericsSide:
    """What a dialect does for a job. All may raise: what they raise is the journal's fault."""

    models: Any = None
    """The dialect's module of that name."""
    simulation = "tvm"
    """Whose quantizer is simulated."""
    calibrates_on: str | None = None
    """Without a `dataset`: what else, see dataset.py."""

    def __init__(self, job: NumericsJob | BisectJob) -> None:
        self.job = job

    def load(self) -> Any:
        """The imported model, as instruments.inputs.models.Model."""
        return self.models.remembered(self.job.kept, self.job.model)

    def batches(self, model: Model, tell: Callable[[int, int], None]) -> Any:
        """What to calibrate on; None without any."""
        source = dataset.to_calibrate(self.job, self.calibrates_on)
        if source is None:
            return None
        seed = self.job.model.seed
        return dataset.batches(source, model.inputs, seed, model.preprocessing, tell)

    def judged_on(self, model: Model) -> list[Inputs]:
        """The inputs that a run is judged on, in their order. Raises ModelError."""
        return dataset.to_check(self.job, model).batches

    def settings(self) -> dict[str, Any]:
        """All fields of the configuration."""
        raise NotImplementedError

    def saved(self, folder: Path) -> Probe | None:
        """The probe of what the compile left in `folder`; None if it did not."""
        raise NotImplementedError

    def probe(self, model: Any, target: Target, batches: Any) -> Probe:
        """The probe of the model, quantized up to its calibration on `batches`, if there are."""
        raise NotImplementedError

    def scalable(
        self, probed: Probe, target: Target, inputs: dict[str, np.ndarray]
    ) -> tuple[Probe, ScalableExecutor]:
        """The same probe with no outputs but the model's, compiled so that the scale of each site
        can be set."""
        raise NotImplementedError

    def ranges(self, probed: Probe) -> Ranges:
        """What the numbers of its sites come to at other settings."""
        raise NotImplementedError

    def build(self, probed: Probe, target: Target, inputs: dict[str, np.ndarray]) -> Executor:
        """The probe compiled, its inputs set."""
        raise NotImplementedError


def measure(job: NumericsJob, side: NumericsSide) -> int:
    """Run a job; 0: measured, 1: the journal has a fault that says why not."""
    return journalled(job, "numerics", lambda journal: _Job(journal, job, side).all())


def journalled(job: TracedJob, where: str, work: Callable[[Journal], None]) -> int:
    """Do some work that writes the job's journal; what it raises is a fault there, and 1."""
    journal = Journal(Path(job.trace))
    journal.event("start", schema=SCHEMA)
    try:
        work(journal)
    except Exception as error:
        journal.event("fault", where=where, message=f"{type(error).__name__}: {error}"[-2000:])
        return 1
    finally:
        journal.close()
    return 0


class _Job:
    def __init__(self, journal: Journal, job: NumericsJob, side: NumericsSide) -> None:
        self._journal = journal
        self._job = job
        self._side = side
        self._began = time.perf_counter()
        self._seconds: dict[str, float] = {}

    def all(self) -> None:
        job, side = self._job, self._side
        if job.qconfig is None:
            raise ValueError("the float model has no quantization to measure")
        self._journal.event("stage", name="import")
        model = side.load()
        self._lap("import")
        text, _ = target.host(job.mcpu)
        host = target.parse(text)
        probed = side.saved(Path(job.calibrated)) if job.calibrated else None
        if probed is None:
            self._journal.event("stage", name="calibrate")
            batches = side.batches(model, self._journal.progress("calibration"))
            probed = side.probe(model, host, batches)
        self._lap("calibrate")
        self._journal.event("stage", name="lower")
        inputs = side.judged_on(model)[0]
        executor = side.build(probed, host, inputs)
        self._lap("build")
        self._facts(
            target=text,
            qconfig=side.settings(),
            simulation=side.simulation,
            seed=job.model.seed,
        )
        self._journal.event("stage", name="run")
        Measurement(self._journal, probed, executor, inputs).all(job.seconds)
        self._lap("run")
        self._facts()
        self._journal.event("end")

    def _lap(self, phase: str) -> None:
        now = time.perf_counter()
        self._seconds[phase] = round(now - self._began, 3)
        self._began = now

    def _facts(self, **values: Any) -> None:
        self._journal.event("facts", values={**values, "seconds": dict(self._seconds)})
