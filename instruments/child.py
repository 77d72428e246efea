"""One configuration from import to numbers, every step on record.

A job is a JSON object: `trace` (folder), `model` {source, shape, seed, weights}, `qconfig`
(fields of TVM's QConfig; null for the float model), `mcpu`, `opt_level`, `benchmark` and `save_ir`
(bools), and, to compile only the beginning of the model, `first_ops` (how many calls).
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from . import diagnostics
from .recorder import QuantizeTrace


def main(job: dict[str, Any]) -> int:
    """Run a job; see __main__ for the exit codes."""
    tracing = QuantizeTrace(job["trace"], texts=job["save_ir"], job=job)
    seen: list[str] = []
    # Those of a replay are nobody's business.
    with tracing as trace, diagnostics.collected(seen, lambda: trace.recorder.muted):
        run = Compile(trace, job)
        try:
            run.all()
        except Exception as error:
            trace.error(error, run.target, seen)
            return 1
    return 0


class Compile:
    """The steps of a job, in order."""

    def __init__(self, trace: QuantizeTrace, job: dict[str, Any]) -> None:
        self.trace = trace
        self.job = job
        self.target: Any = None

    def all(self) -> None:
        """Import, quantize, build, load and run."""
        from . import measure, replay

        self.trace.stage("import")
        model = self.load()
        if self.job["benchmark"]:
            self.time_eager(model)
        module = model.fresh()
        if self.job.get("first_ops"):
            module = replay.prefix(replay.calls_of(module)[: self.job["first_ops"]])
        if self.job["qconfig"] is not None:
            self.trace.stage("prepare")
            module = self.quantize(module, model.params)
        self.trace.stage("lower")
        library = self.build(module, model.params)
        self.trace.stage("load")
        executor = measure.executor(library, model.inputs)
        self.trace.stage("run")
        outputs = measure.outputs(executor)
        named: Any = {f"output{i}": value for i, value in enumerate(outputs)}
        np.savez(self.trace.path / "outputs.npz", **named)
        repeats = measure.repeats(library, executor, model.inputs, outputs)
        self.trace.journal.event("outputs", file="outputs.npz", deterministic=repeats)
        if self.job["benchmark"]:
            self.trace.journal.event("latency", of="tvm", ms=measure.latency(executor))

    def load(self) -> Any:
        """Import the model; says in the trace what was imported and with which versions."""
        import tvm

        from . import models, target

        asked = self.job["model"]
        model = models.load(asked["source"], asked["shape"], asked["seed"], asked["weights"])
        text, reason = target.host(self.job["mcpu"])
        self.target = tvm.target.Target(text)
        self.trace.facts(
            target=text,
            target_reason=reason,
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
        with qconfig, tvm.transform.PassContext(opt_level=self.job["opt_level"]):
            return relay.quantize.quantize(module, dict(params))

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

    def time_eager(self, model: Any) -> None:
        """Time PyTorch itself, beside the float model and before TVM has run anything.

        TVM's thread pool pins the process to its cores, on which PyTorch's threads would then get
        in each other's way and take ten times as long.
        """
        from . import measure

        if self.job["qconfig"] is None and model.eager is not None:
            times = measure.eager_latency(model.eager, model.inputs)
            self.trace.journal.event("latency", of="torch", ms=times)


def _threads() -> int:
    return int(os.environ.get("TVM_NUM_THREADS") or len(os.sched_getaffinity(0)))
