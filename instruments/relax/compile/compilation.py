"""The steps of a compile on Relax, from import to numbers.

A qconfig may have a `pipeline`, "default" or "target" (the one that relax.get_default_pipeline has
for the target, which folds constants and fuses); for the float model it is the job's own. The job's
`schedule` is "sound" (see schedule.py, the default) or "untuned".
"""

from __future__ import annotations

import functools
from typing import Any

from ... import compilation
from ...inputs.models import Model
from ...protocol.jobs import CompileJob
from ...tvm_types import IRModule, Target

SOUND, UNTUNED = "sound", "untuned"

CALIBRATE_ON = "natural:4"
"""What to find the ranges on where nobody gave any data: there are none without."""

_NO_SCHEDULES = "TVM schedules no Relax kernel for a CPU: each runs as it is written, on one core"


class Compile(compilation.Compilation):
    """The steps of a job, in order."""

    calibrates_on = CALIBRATE_ON
    executable: Any = None
    scheduled: Any = None

    def all(self) -> None:
        """Import, quantize, build, load and run."""
        from .. import tuning
        from ..ir import prefix
        from . import artifact, execution, machine_code

        self.trace.stage("import")
        module = self.load().module
        if self.job.first_ops:
            module = prefix.first_ops(module, self.job.first_ops)
        self.trace.stage("prepare")
        module = self.prepare(module)
        if self.job.qconfig is not None:
            module = self.quantize(module)
        self.trace.stage("lower")
        self.executable = self.build(module)
        self.keep(
            "artifact",
            self.job.artifact,
            lambda folder: self.trace.facts(
                weight_bytes=artifact.save(self.executable, self.inputs, folder)
            ),
        )
        if self.job.tasks:
            self.keep(
                "tasks",
                self.job.artifact,
                lambda folder: tuning.save(self.scheduled, self.target, folder),
            )
        self.describe_code(
            lambda: machine_code.assembly(self.executable),
            lambda: machine_code.called(self.executable),
        )
        if not self.is_run:
            self.trace.facts(built=True)
            return
        if self.job.target:
            self.run_there(artifact.Artifact)
            return
        self.trace.stage("load")
        running = execution.machine(self.executable)
        given = execution.tensors(self.inputs)
        self.trace.stage("run")
        try:
            self.run_samples(
                lambda batch: execution.outputs(running, execution.tensors(batch)),
                lambda first: execution.repeats(self.executable, running, given, first),
                lambda: lambda batch: execution.pooled(running, execution.tensors(batch)),
            )
        except Exception:
            self.find_kernel()
            raise

    def prepare(self, module: IRModule) -> Any:
        """What `prepare` makes of the model, or another process has kept."""
        from ...kept.prepared import prepared
        from . import models

        def make() -> Any:
            return prepare(module, self.target, self.job.opt_level)

        if not models.can_save():
            return make()
        depends_on = [str(self.target), self.job.opt_level]
        return prepared(self.job, self.trace.recorder, depends_on, make)

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
            kernel = {"name": stopped.kernel, "index": stopped.index, "while": stopped.builtin}
            self.trace.facts(failing_kernel=kernel)

    def load(self) -> Model:
        """Import the model; says in the trace what was imported, for which target."""
        from ... import sandbox
        from . import models

        # On a corrupted heap TVM's own handler of SIGSEGV can wait for ever.
        sandbox.die_at_once()
        self.describe_target(pipeline=pipeline_of(self.job), schedule=schedule_of(self.job))
        told = functools.partial(self.trace.journal.event, "taken")
        model = models.remembered(self.job.kept, self.job.model, told)
        self.describe_model(model)
        return model

    def quantize(self, module: IRModule) -> Any:
        """The three passes of instruments/relax/quantizer, under the job's qconfig."""
        import tvm

        from .. import quantizer
        from . import calibrated

        config = quantizer.QConfig.from_fields(self.job.qconfig or {})
        context = tvm.transform.PassContext(opt_level=self.job.opt_level)
        with config, self.target, context:
            module = quantizer.annotate(config)(module)
            module = quantizer.calibrate(config, self.batches())(module)
            self.keep(
                "calibrated",
                self.job.calibrated,
                lambda folder: calibrated.keep(module, folder),
            )
            return quantizer.realize(config)(module)

    def build(self, module: IRModule) -> Any:
        """tvm.compile for the target, with the pipeline and the schedule that were asked for."""
        import tvm

        from .. import passes
        from . import schedule

        whole = functools.partial(passes.Whole, pipeline=pipeline_of(self.job))
        self.trace.recorder.compiling(module, whole)
        done = self.scheduled = schedule.Scheduled()
        passes = passes_of(self.job, self.target, done)
        try:
            with tvm.transform.PassContext(opt_level=self.job.opt_level):
                return tvm.compile(module, target=self.target, relax_pipeline=passes)
        finally:
            warning = _NO_SCHEDULES if schedule_of(self.job) == UNTUNED else None
            unscheduled = [f"{name}: {why}" for name, why in done.left.items()]
            self.trace.facts(schedules={"warning": warning, "fallbacks": unscheduled})
            # Code is generated after the last pass, in none.
            if not self.trace.failing_path():
                self.trace.stage("codegen")


def prepare(module: IRModule, target: Target, opt_level: int) -> Any:
    """The module with BatchNorm in the convolutions' weights, and what is constant computed."""
    import tvm
    from tvm import relax

    from . import frontends

    with target, tvm.transform.PassContext(opt_level=opt_level):
        folded = relax.transform.FoldBatchnormToConv2D()(module)
        # Before the next snapshot: names make no difference that the recorder would see.
        folded = frontends.named_as(folded, module)
        return relax.transform.FoldConstant()(folded)


def pipeline_of(job: CompileJob) -> str:
    """Which of Relax's pipelines builds the model: default or target."""
    return str((job.qconfig or {}).get("pipeline") or job.pipeline or "default")


def schedule_of(job: CompileJob) -> str:
    """How the kernels' loops run: sound or untuned."""
    return job.schedule or SOUND


def passes_of(job: CompileJob, target: Target, done: Any) -> Any:
    """The pipeline with the schedule; `done` (a schedule.Scheduled) says what that came to."""
    from . import schedule, tiles

    passes = schedule.pipeline(pipeline_of(job), target)
    if schedule_of(job) != SOUND:
        return passes
    return schedule.sound(passes, done, tiles.read(job.records), str(target))
