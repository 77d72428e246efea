"""How far quantization moves the numbers, op by op: what instruments/relax/quantizer simulates.

See instruments.numerics.op_errors for the job and its events. The simulation is realize "integer"
with all integers kept in float32: see quantizer.realize_integer. Of realize "qdq" it is the
calibrated module. What it does not show are sums that dtype_activation has no room for, and what
TVM makes of a narrow dtype.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Collection

import numpy as np
import tvm
from tvm import relax

from ..numerics import op_errors
from ..numerics.probe import Probe, ScalableExecutor
from ..tvm_types import Target
from . import quantizer
from .compat import name_of
from .compile import (
    calibrated,
    compilation,
    execution,
    models,
    schedule,
)
from .probe import probe, results_only, scaling, switch
from .ranges import Ranges


class Numerics(op_errors.NumericsSide):
    """A job on Relax."""

    models = models
    simulation = "tvmq_diag"
    calibrates_on = compilation.CALIBRATE_ON

    def settings(self) -> dict[str, Any]:
        return quantizer.settings(self._config())

    def saved(self, folder: Path) -> Probe | None:
        module = calibrated.saved(folder)
        return None if module is None else probe(module, self._config())

    def probe(self, model: Any, target: Target, batches: Any) -> Probe:
        config = self._config()
        context = tvm.transform.PassContext(opt_level=self.job.opt_level)
        module = compilation.prepare(model.module, target, self.job.opt_level)
        with config, target, context:
            module = quantizer.annotate(config)(module)
            return probe(quantizer.calibrate(config, batches)(module), config)

    def build(self, probed: Probe, target: Target, inputs: dict[str, np.ndarray]) -> Executor:
        return build(probed, target, inputs)

    def ranges(self, probed: Probe) -> Ranges:
        return Ranges(probed)

    def scalable(
        self, probed: Probe, target: Target, inputs: dict[str, np.ndarray]
    ) -> tuple[Probe, ScalableExecutor]:
        lean = results_only(probed)
        return lean, build(lean, target, inputs)

    def _config(self) -> quantizer.QConfig:
        return quantizer.QConfig.from_fields(self.job.qconfig or {})


def build(probed: Probe, target: Target, inputs: dict[str, np.ndarray]) -> Executor:
    """An executor of a probe with its inputs set."""
    # Unscheduled kernels are 25 times slower, and this runs once for each op of the model.
    pipeline = schedule.sound(relax.get_pipeline("default"), schedule.Scheduled())
    with tvm.transform.PassContext(opt_level=3):
        executable = tvm.compile(probed.module, target=target, relax_pipeline=pipeline)
    return Executor(probed, execution.machine(executable), inputs)


class Executor:
    """A probe in a virtual machine: see instruments.numerics.probe.Executor."""

    def __init__(self, probed: Probe, running: Any, inputs: dict[str, np.ndarray]) -> None:
        self._running = running
        self.feed(inputs)
        self._names = [name_of(parameter) for parameter in probed.module["main"].params]
        self._values = {name: probed.values[name] for name in self._names if name in probed.values}
        self._off, self._on = (tvm.runtime.tensor(np.array(value)) for value in (False, True))
        self._outputs: Any = []

    def feed(self, inputs: dict[str, np.ndarray]) -> None:
        """Set the model's inputs for the runs to come."""
        self._given = dict(zip(inputs, execution.tensors(inputs)))

    def run(self, on: Collection[int]) -> None:
        """Run the model with the sites `on`, and all others off."""
        self._outputs = []  # makes room
        switches = {switch(site): self._on for site in on}
        given = {**self._given, **self._values, **switches}
        self._outputs = self._running["main"](*[given.get(name, self._off) for name in self._names])

    def scale(self, site: int, scale: Any, least: float, clip: float) -> None:
        """Quantize at a site in steps of `scale` from `least` to `clip`, in the runs to come."""
        for name, value in zip(scaling(site), (scale, least, clip)):
            self._values[name] = tvm.runtime.tensor(np.asarray(value, "float32"))

    def output(self, number: int) -> np.ndarray:
        """A copy of an output of the last run."""
        value: np.ndarray = self._outputs[number].numpy()
        return value
