"""The steps of a compile on Relax, from import to numbers.

See instruments.tasks.compile for the job.

Besides what it says there: `qconfig` may have a `pipeline`, "default" or "target" (the one that
relax.get_default_pipeline has for the target, which folds constants and fuses); for the float model
it is the job's own `pipeline`. `schedule` is "sound" (see schedule.py, the default) or "untuned".
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import numpy as np

from ...quantize_trace import QuantizeTrace

SOUND, UNTUNED = "sound", "untuned"

CALIBRATE_ON = "random:4"
"""What to find the ranges on where nobody gave any data: there are none without."""

_NO_SCHEDULES = "TVM schedules no Relax kernel for a CPU: each runs as it is written, on one core"


class Compile:
    """The steps of a job, in order."""

    def __init__(self, trace: QuantizeTrace, job: dict[str, Any]) -> None:
        self.trace = trace
        self.job = job
        self.target: Any = None
        self.inputs: dict[str, np.ndarray] = {}
        self.executable: Any = None

    def all(self) -> None:
        """Import, quantize, build, load and run."""
        from ..ir import prefix
        from . import artifact, execution

        self.trace.stage("import")
        module = self.load().module
        if self.job.get("first_ops"):
            module = prefix.first_ops(module, self.job["first_ops"])
        self.trace.stage("prepare")
        module = self.prepare(module)
        if self.job["qconfig"] is not None:
            module = self.quantize(module)
        self.trace.stage("lower")
        self.executable = self.build(module)
        if self.job.get("artifact"):
            artifact.save(self.executable, self.inputs, Path(self.job["artifact"]))
        if self.job.get("target"):  # for another machine: nothing to run here
            return
        self.trace.stage("load")
        running = execution.machine(self.executable)
        given = execution.tensors(self.inputs)
        self.trace.stage("run")
        try:
            outputs = execution.outputs(running, given)
        except Exception:
            self.find_kernel()
            raise
        named: Any = {f"output{i}": value for i, value in enumerate(outputs)}
        np.savez(self.trace.path / "outputs.npz", **named)
        repeats = execution.repeats(self.executable, running, given, outputs)
        self.trace.journal.event("outputs", file="outputs.npz", deterministic=repeats)

    def find_kernel(self) -> None:
        """Say in the trace which kernel a run failed at: it failed in no pass."""
        from . import execution

        with self.trace.recorder.pause():
            try:
                stopped = execution.failing_kernel(self.executable, self.inputs)
            except Exception as error:
                self.trace.recorder.fault("failing kernel", error)
                return
        if stopped is not None:
            found = {"name": stopped.kernel, "index": stopped.index, "while": stopped.builtin}
            self.trace.facts(failing_kernel=found)

    def load(self) -> Any:
        """Import the model; says in the trace what was imported and with which versions."""
        from ... import sandbox
        from ...inputs import target
        from . import frontends, models

        # On a corrupted heap TVM's own handler of SIGSEGV can wait for ever.
        sandbox.die_at_once()

        asked = self.job["model"]
        text, reason = target.host(self.job["mcpu"])
        if self.job.get("target"):
            text, reason = self.job["target"], "as asked"
        self.target = target.made(text)
        self.trace.facts(
            target=text,
            target_reason=reason,
            host_features=target.host_features(),
            target_features=target.target_features(self.target),
            pipeline=self.pipeline,
            schedule=self.schedule,
            threads=_threads(),
        )
        try:
            model = models.remembered(
                self.job.get("imported"),
                asked["source"],
                lambda: models.load(
                    asked["source"], asked["shape"], asked["seed"], asked["weights"]
                ),
            )
        except frontends.ImportRejected as error:
            self.trace.facts(rejected_node={"name": error.node, "op": error.op})
            raise
        self.inputs = model.inputs
        self.trace.facts(
            inputs={
                name: {"dtype": str(value.dtype), "shape": list(value.shape)}
                for name, value in model.inputs.items()
            },
            versions={"numpy": np.__version__, **model.versions},
        )
        return model

    @property
    def pipeline(self) -> str:
        """Which of Relax's pipelines builds the model: default or target."""
        asked = (self.job["qconfig"] or {}).get("pipeline") or self.job.get("pipeline")
        return str(asked or "default")

    @property
    def schedule(self) -> str:
        """How the kernels' loops run: sound or untuned."""
        return str(self.job.get("schedule") or SOUND)

    def prepare(self, module: Any) -> Any:
        """BatchNorm into the convolutions' weights, and what is constant computed."""
        import tvm
        from tvm import relax

        from . import frontends

        with self.target, tvm.transform.PassContext(opt_level=self.job["opt_level"]):
            folded = relax.transform.FoldBatchnormToConv2D()(module)
            # Before the next snapshot: names make no difference that the recorder would see.
            folded = frontends.named_as(folded, module)
            return relax.transform.FoldConstant()(folded)

    def quantize(self, module: Any) -> Any:
        """The three passes of instruments/relax/quantizer, under the job's qconfig."""
        import tvm

        from .. import quantizer

        config = quantizer.QConfig.from_fields(self.job["qconfig"])
        context = tvm.transform.PassContext(opt_level=self.job["opt_level"])
        with config, self.target, context:
            module = quantizer.annotate(config)(module)
            module = quantizer.calibrate(config, self.dataset())(module)
            self.keep_calibrated(module)
            return quantizer.realize(config)(module)

    def keep_calibrated(self, module: Any) -> None:
        """Leave the calibrated module where the job wants it: numerics need not quantize again."""
        from . import calibrated

        folder = self.job.get("calibrated")
        if folder is None:
            return
        with self.trace.recorder.pause():
            try:
                calibrated.keep(module, Path(folder))
            except Exception as error:
                self.trace.recorder.fault("calibrated", error)

    def dataset(self) -> Any:
        """The batches to calibrate on."""
        from ...inputs import dataset

        asked = self.job.get("dataset") or {"source": CALIBRATE_ON, "samples": None}
        self.trace.facts(calibrated_on=asked["source"])
        return dataset.batches(
            asked["source"],
            self.inputs,
            asked["samples"],
            self.job["model"]["seed"],
            lambda done, of: self.trace.journal.event(
                "progress", what="calibrating", done=done, of=of
            ),
        )

    def build(self, module: Any) -> Any:
        """tvm.compile for the target, with the pipeline and the schedule that were asked for."""
        import tvm

        from ..diagnose import rerun
        from . import schedule

        whole = functools.partial(rerun.Whole, pipeline=self.pipeline)
        self.trace.recorder.compiling(module, whole)
        done = schedule.Scheduled()
        try:
            with tvm.transform.PassContext(opt_level=self.job["opt_level"]):
                return tvm.compile(module, target=self.target, relax_pipeline=self.passes(done))
        finally:
            warning = _NO_SCHEDULES if self.schedule == UNTUNED else None
            left = [f"{name}: {why}" for name, why in done.left.items()]
            self.trace.facts(schedules={"warning": warning, "fallbacks": left})
            # Code is generated after the last pass, in none.
            if not self.trace.failing_path():
                self.trace.stage("codegen")

    def passes(self, done: Any) -> Any:
        """The pipeline with the schedule; `done` (a schedule.Scheduled) says what that came to."""
        from . import schedule

        found = schedule.pipeline(self.pipeline, self.target)
        return schedule.sound(found, done) if self.schedule == SOUND else found


def _threads() -> int:
    return int(os.environ.get("TVM_NUM_THREADS") or len(os.sched_getaffinity(0)))
