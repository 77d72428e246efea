"""The steps of a compile on Relay, from import to numbers.

See instruments.tasks.compile for the job.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any, Iterator

import numpy as np

from ...quantize_trace import QuantizeTrace


class Compile:
    """The steps of a job, in order."""

    def __init__(self, trace: QuantizeTrace, job: dict[str, Any]) -> None:
        self.trace = trace
        self.job = job
        self.target: Any = None
        self.inputs: dict[str, np.ndarray] = {}

    def all(self) -> None:
        """Import, quantize, build, load and run."""
        from ..diagnose import replay
        from . import artifact, execution, schedules

        self.trace.stage("import")
        model = self.load()
        module = model.fresh()
        if self.job.get("first_ops"):
            module = replay.prefix(replay.calls_of(module)[: self.job["first_ops"]])
        if self.job["qconfig"] is not None:
            self.trace.stage("prepare")
            module = self.quantize(module, model.params)
        self.trace.stage("lower")
        with schedules.collected() as scheduled:
            library = self.build(module, model.params)
        self.trace.facts(schedules=vars(scheduled))
        if self.job.get("artifact"):
            artifact.save(library, model.inputs, Path(self.job["artifact"]))
        if self.job.get("target"):  # for another machine: nothing to run here
            return
        self.trace.stage("load")
        executor = execution.executor(library, model.inputs)
        self.trace.stage("run")
        outputs = execution.outputs(executor)
        named: Any = {f"output{i}": value for i, value in enumerate(outputs)}
        np.savez(self.trace.path / "outputs.npz", **named)
        repeats = execution.repeats(library, executor, model.inputs, outputs)
        self.trace.journal.event("outputs", file="outputs.npz", deterministic=repeats)

    def load(self) -> Any:
        """Import the model; says in the trace what was imported and with which versions."""
        import tvm

        from ...inputs import target
        from . import models

        asked = self.job["model"]
        model = models.remembered(
            self.job.get("imported"),
            asked["source"],
            lambda: models.load(asked["source"], asked["shape"], asked["seed"], asked["weights"]),
        )
        self.inputs = model.inputs
        text, reason = target.host(self.job["mcpu"])
        if self.job.get("target"):
            text, reason = self.job["target"], "as asked"
        self.target = tvm.target.Target(text)
        self.trace.facts(
            target=text,
            target_reason=reason,
            host_features=target.host_features(),
            target_features=target.target_features(self.target),
            inputs={
                name: {"dtype": str(value.dtype), "shape": list(value.shape)}
                for name, value in model.inputs.items()
            },
            versions={"numpy": np.__version__, **model.versions},
            threads=_threads(),
        )
        return model

    def quantize(self, module: Any, params: dict[str, Any]) -> Any:
        """TVM's own quantize(), under the job's qconfig."""
        import tvm
        from tvm import relay

        qconfig = relay.quantize.qconfig(**self.job["qconfig"])
        data = self.dataset()
        # Calibrating over data builds for the target in force.
        target = self.target if data is not None else contextlib.nullcontext()
        context = tvm.transform.PassContext(opt_level=self.job["opt_level"])
        with self.calibrated(), qconfig, target, context:
            return relay.quantize.quantize(module, dict(params), dataset=data)

    @contextlib.contextmanager
    def calibrated(self) -> Iterator[None]:
        """Leave the calibrated module where the job wants it: numerics need not quantize again."""
        from .. import numerics

        folder = self.job.get("calibrated")
        if folder is None:
            yield
            return
        with numerics.catching() as caught:
            yield
        with self.trace.recorder.pause():
            try:
                for module in caught[-1:]:
                    numerics.keep(module, Path(folder))
            except Exception as error:
                self.trace.recorder.fault("calibrated", error)

    def dataset(self) -> Any:
        """The batches to calibrate on; None without any."""
        from ...inputs import dataset

        asked = self.job.get("dataset")
        if not asked:
            return None
        return dataset.batches(
            asked["source"],
            self.inputs,
            asked["samples"],
            self.job["model"]["seed"],
            lambda done, of: self.trace.journal.event(
                "progress", what="calibrating", done=done, of=of
            ),
        )

    def build(self, module: Any, params: dict[str, Any]) -> Any:
        """relay.build for the host."""
        import tvm
        from tvm import relay

        bound = None if self.job["qconfig"] is not None else dict(params)
        try:
            with tvm.transform.PassContext(opt_level=self.job["opt_level"]):
                return relay.build(module, target=self.target, params=bound)
        finally:
            # Code is generated after the last pass, in none.
            if not self.trace.failing_path():
                self.trace.stage("codegen")


def _threads() -> int:
    return int(os.environ.get("TVM_NUM_THREADS") or len(os.sched_getaffinity(0)))
