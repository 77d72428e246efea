"""How far quantization moves the numbers, op by op: what TVM's own simulation says.

See instruments.numerics.op_errors for the job and its events. The simulation rounds and clips to
`nbit_*` at each step. What it does not show are the dtypes (int4 rounds like 8 bits unless `nbit_*`
says 4) and the fixed-point arithmetic that realize puts between steps.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Collection, ContextManager, Iterable, Iterator

import numpy as np
import tvm
from tvm import relay

from ..numerics import op_errors
from ..numerics.probe import Probe, ScalableExecutor
from ..recording.ambient import ambient
from ..tvm_types import IRModule, PassInfo, Target
from .compile import execution, models, preparation
from .ir.op_table import settings
from .passes import around_quantize
from .probe import probe, results_only, save, saved, scaling, switch
from .quantizer.own_fields import OwnFields, configured
from .ranges import Ranges


class Numerics(op_errors.NumericsSide):
    """A job on Relay."""

    models = models

    def settings(self) -> dict[str, Any]:
        with self._config() as own:
            current = settings(relay.quantize.current_qconfig())
        return {**current, **{name: value for name, value in own._asdict().items() if value}}

    def saved(self, folder: Path) -> Probe | None:
        return saved(folder)

    def probe(self, model: Any, target: Target, batches: Any) -> Probe:
        # In force where the compile has it, so that what that has prepared is this.
        here = target if self._on_data() else contextlib.nullcontext()
        with self._config() as own, here, preparation.kept(self.job, recorder=None):
            level = self.job.quantize_opt_level
            module = calibrated(model.fresh(), dict(model.params), batches, level)
            return probe(own.applied(module))

    def build(self, probed: Probe, target: Target, inputs: dict[str, np.ndarray]) -> Executor:
        return build(probed, target, inputs)

    def ranges(self, probed: Probe) -> Ranges:
        return Ranges(probed, on_data=self._on_data())

    def scalable(
        self, probed: Probe, target: Target, inputs: dict[str, np.ndarray]
    ) -> tuple[Probe, ScalableExecutor]:
        lean = results_only(probed)
        return lean, build(lean, target, inputs)

    def _on_data(self) -> bool:
        return bool(self.settings()["calibrate_mode"] != "global_scale")

    def _config(self) -> ContextManager[OwnFields]:
        return configured(self.job.qconfig or {})


class _Caught(Exception):
    """Not a failure."""


@contextlib.contextmanager
def catching(stop: bool = False) -> Iterator[list[Any]]:
    """Collects what each QuantizeCalibrate inside the block leaves; `stop` ends quantize() there.

    To be handed to `keep`, once quantize() is over: passes run inside a callback would be traced.
    """
    caught: list[Any] = []

    @tvm.instrument.pass_instrument
    class Catch:
        def run_after_pass(self, after: Any, info: PassInfo) -> None:
            if info.name == "QuantizeCalibrate":
                caught.append(after)
                if stop:
                    raise _Caught  # the only way to leave a pipeline early

    with ambient(Catch()):
        yield caught


def keep(module: IRModule, folder: Path) -> None:
    """Leave a calibrated module in `folder` for the job's `calibrated`. Raises Unsupported."""
    save(probe(module), folder)


def calibrated(
    module: IRModule, params: dict[str, Any], batches: Iterable[Any] | None, opt_level: int | None
) -> Any:
    """The module as QuantizeCalibrate leaves it, under the qconfig and target in force.

    `opt_level` as in passes.around_quantize.

    TVM's own quantize() runs up to there and no further: what comes then may reject the
    configuration, and takes as long again. Raises what quantize() raises before.
    """
    with catching(stop=True) as caught:
        try:
            with around_quantize(opt_level):
                relay.quantize.quantize(module, params, dataset=batches)
        except Exception:
            if not caught:
                raise
    if not caught:
        raise RuntimeError("quantize() ran no QuantizeCalibrate")
    return caught[0]


def build(probed: Probe, host: Target, inputs: dict[str, np.ndarray]) -> Executor:
    """An executor of a probe with every parameter set; all sites are off."""
    with tvm.transform.PassContext(opt_level=3):
        library = relay.build(probed.module, target=host)
    off = np.zeros((), bool)
    switches = {switch(i): off for i in range(len(probed.sites))}
    return Executor(execution.executor(library, {**probed.values, **inputs, **switches}))


class Executor:
    """A probe in a graph executor: see instruments.numerics.probe.Executor."""

    def __init__(self, running: Any) -> None:
        self._running = running
        self._on: set[int] = set()
        self._values = {True: tvm.nd.array(np.array(True)), False: tvm.nd.array(np.array(False))}

    def feed(self, inputs: dict[str, np.ndarray]) -> None:
        """Set the model's inputs for the runs to come."""
        for name, value in inputs.items():
            self._running.set_input(name, value)

    def run(self, on: Collection[int]) -> None:
        """Run the model with the sites `on`, and all others off."""
        for site in set(on) ^ self._on:
            self._running.set_input(switch(site), self._values[site in on])
        self._on = set(on)
        self._running.run()

    def scale(self, site: int, scale: Any, least: float, clip: float) -> None:
        """Quantize at a site in steps of `scale` from `least` to `clip`, in the runs to come."""
        for name, value in zip(scaling(site), (scale, least, clip)):
            self._running.set_input(name, tvm.nd.array(np.array(value, "float32")))

    def output(self, number: int) -> np.ndarray:
        """A copy of an output of the last run."""
        value: np.ndarray = self._running.get_output(number).numpy()
        return value
