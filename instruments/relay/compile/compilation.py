"""The steps of a compile on Relay, from import to numbers."""

from __future__ import annotations

import contextlib
import functools
from typing import Any, Iterator

from ... import compilation
from ...inputs.errors import ModelError
from ...inputs.models import Model
from ...recording.open_pass import OpenPass
from ...tvm_types import IRModule
from .. import arrived
from ..ir import depth
from ..ir.prefix import calls_of, prefix
from ..passes import BUILD, around_quantize
from ..quantizer.own_fields import configured, own_of


class Compile(compilation.Compilation):
    """The steps of a job, in order."""

    def all(self) -> None:
        """Import, quantize, build, load and run."""
        from .. import tuning
        from . import artifact, execution, machine_code, pooling, schedules

        self.trace.stage("import")
        model = self.load()
        module = model.fresh()
        if self.job.first_ops:
            module = prefix(calls_of(module)[: self.job.first_ops])
        if self.job.qconfig is not None:
            self.refuse_quantized(module)
            self.trace.stage("prepare")
            module = self.quantize(module, model.params)
        elif self.job.fq2i:
            self.trace.stage("realize")
            module = arrived.to_integer(module, model.params)
        if self.job.qconfig is None:
            self.describe_arrived(module)
        self.trace.stage("lower")
        with schedules.collected() as scheduled, tuning.applied(self.job.records):
            library = self.build(module, model.params)
        self.trace.facts(schedules=vars(scheduled))
        self.keep(
            "artifact",
            self.job.artifact,
            lambda folder: self.trace.facts(
                weight_bytes=artifact.save(library, self.inputs, folder)
            ),
        )
        if self.job.tasks:
            params = dict(model.params) if self.job.qconfig is None else {}
            self.keep(
                "tasks",
                self.job.artifact,
                lambda folder: tuning.save(module, params, self.target, folder),
            )
        self.describe_code(
            lambda: machine_code.assembly(library), lambda: machine_code.called(library)
        )
        if not self.is_run:
            self.trace.facts(built=True)
            return
        if self.job.target:
            self.run_there(artifact.Artifact)
            return
        self.trace.stage("load")
        executor = execution.executor(library, self.inputs)
        self.trace.stage("run")
        self.run_samples(
            lambda batch: execution.outputs(executor, batch),
            lambda first: execution.repeats(library, executor, self.inputs, first),
            lambda: pooling.LastPooling(library).values,
        )

    def load(self) -> Model:
        """Import the model; says in the trace what was imported, for which target."""
        from . import models

        self.describe_target()
        told = functools.partial(self.trace.journal.event, "taken")
        model = models.remembered(self.job.kept, self.job.model, told)
        depth.check(model.fresh())
        self.describe_model(model)
        return model

    def target_facts(self) -> dict[str, Any]:
        """Where schedules might come from."""
        from . import tophub

        return {"tophub": tophub.location(), "tophub_package": tophub.package(self.target)}

    def describe_arrived(self, module: IRModule) -> None:
        """Say in the trace what of a model is quantized that is run as it is."""
        with self.trace.recorder.pause():
            self.trace.facts(
                quantized_ops=len(arrived.quantized_ops(module)),
                islands=arrived.islands(module, folded=self.job.fq2i),
            )

    def refuse_quantized(self, module: IRModule) -> None:
        """Raise ModelError for a model that arrives quantized, unless the job says otherwise."""
        ops = [] if self.job.quantize_anyway else arrived.quantized_ops(module)
        if ops:
            raise ModelError(
                f"this model arrives quantized ({len(ops)} of its operators read quantized values, "
                f"{ops[0]} first): judge it with --dtype as-is, or as-is:fq2i; --quantize-anyway "
                "quantizes on top"
            )

    def quantize(self, module: IRModule, params: dict[str, Any]) -> Any:
        """TVM's own quantize(), under the job's qconfig."""
        import tvm
        from tvm import relay

        from . import preparation

        qconfig = configured(self.job.qconfig or {}, self.describe_bitserial)
        batches = self.batches()
        # Calibrating over data builds for the target in force, and runs that here.
        target = self.here() if batches is not None else contextlib.nullcontext()
        with self.calibrated(), qconfig, target, around_quantize(self.job.quantize_opt_level):
            level = int(tvm.transform.PassContext.current().opt_level)
            self.trace.facts(quantize_opt_level=level)
            with preparation.kept(self.job, self.trace.recorder):
                return relay.quantize.quantize(module, dict(params), dataset=batches)

    def describe_bitserial(self, taken: int, left: dict[str, int]) -> None:
        """Say in the trace what realize=bitserial took, and why it left the rest."""
        self.trace.facts(bitserial={"taken": taken, "left": left})

    @contextlib.contextmanager
    def calibrated(self) -> Iterator[None]:
        """Leave the calibrated module where the job wants it: numerics need not quantize again."""
        from .. import numerics

        if self.job.calibrated is None:
            yield
            return
        with numerics.catching() as caught:
            yield
        own = own_of(self.job.qconfig or {})
        if caught:
            self.keep(
                "calibrated",
                self.job.calibrated,
                lambda folder: numerics.keep(own.applied(caught[-1]), folder),
            )

    def build(self, module: IRModule, params: dict[str, Any]) -> Any:
        """relay.build for the target."""
        import tvm
        from tvm import relay

        bound = None if self.job.qconfig is not None else dict(params)
        try:
            with tvm.transform.PassContext(opt_level=self.job.opt_level):
                library = relay.build(module, target=self.target, params=bound)
        except Exception:
            # Code is generated after the last pass, in none.
            if not self.trace.failing_path():
                self.trace.stage("codegen")
                self.trace.recorder.compiling(module, functools.partial(OpenPass, 0, BUILD))
            raise
        self.trace.stage("codegen")
        return library
