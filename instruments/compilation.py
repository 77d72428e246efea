"""What the compiles of all dialects share: the target, the model, the data, what is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import numpy as np

from . import identity, remote
from .assembly import kernel_code
from .dialects import Artifact
from .inputs import dataset, target
from .inputs.dataset import Batch, Samples
from .inputs.errors import ModelError, line
from .inputs.images import DEFAULT
from .inputs.models import Model
from .numerics.pooling import INPUTS, stacked
from .protocol.jobs import CompileJob, ModelSource, Rpc
from .protocol.schema import OUTPUTS
from .quantize_trace import QuantizeTrace

KERNELS = "kernels.json"
"""What the kernels of a compile consist of, in the trace's folder: see assembly.kernel_code."""

Loader = Callable[[ModelSource], Model]


class Compilation:
    """A compile of a job, on record in a trace. A dialect says how each step is done.

    After `load`, `target` is TVM's Target, `samples` what the result is run on, and `inputs` the
    first of them: the model's inputs by name.
    """

    calibrates_on: str | None = None
    """Without a `dataset` in the job: what to calibrate on, see inputs.dataset."""

    def __init__(self, trace: QuantizeTrace, job: CompileJob) -> None:
        self.trace = trace
        self.job = job
        self.target: Any = None
        self.inputs: Batch = {}
        self.samples = Samples([])
        self.preprocessing = DEFAULT

    def all(self) -> None:
        """Import, quantize, build, load and run. Raises what TVM raises."""
        raise NotImplementedError

    def describe_target(self, **facts: Any) -> None:
        """Take the target of the job, and say in the trace which it is and why."""
        text, reason = target.host(self.job.mcpu)
        if self.job.target:
            text, reason = self.job.target, "as asked"
        try:
            self.target = target.parse(text)
        except Exception as error:
            if self.job.target is None:
                raise
            raise ModelError(f"TVM takes no target {text!r}: {error}") from error
        if self.job.rpc is not None:
            self._device(self.job.rpc)  # before all that takes long
        self.trace.facts(
            target=text,
            target_reason=reason,
            # What is compiled for another machine says nothing about this one.
            host_features=target.host_features() if self.job.target is None else {},
            target_features=target.target_features(self.target),
            made_with=identity.identity(self.job.dialect),
            threads=target.threads(),
            **facts,
            **self.target_facts(),
        )

    def target_facts(self) -> dict[str, Any]:
        """What a dialect says of `target` besides."""
        return {}

    @property
    def is_run(self) -> bool:
        """Is there anything to run it on?"""
        return self.job.target is None or self.job.rpc is not None

    def run_there(self, opened: Callable[[Path, Any], Artifact]) -> None:
        """Run what was left in the job's `artifact` on the device, as `run_samples` does here.

        Raises ModelError where it is not there any more, and what TVM raises.
        """
        assert self.job.rpc is not None and self.job.artifact is not None
        self.trace.stage("load")
        model = opened(Path(self.job.artifact), self._device(self.job.rpc))
        self.trace.stage("run")
        self.run_samples(model.outputs, model.repeats, lambda: lambda batch: None)

    def _device(self, rpc: Rpc) -> Any:
        """A session on it. Raises ModelError: that is no verdict on a model."""
        try:
            return remote.connect(rpc)
        except Exception as error:
            place = f"{rpc.key} at {rpc.host}:{rpc.port}"
            raise ModelError(f"no device {place}: {line(error)}") from error

    def here(self) -> Any:
        """The target of what is run while another machine's is compiled."""
        return target.parse(target.host(self.job.mcpu)[0]) if self.job.target else self.target

    def describe_model(self, model: Model) -> None:
        """Read the data to run the model on, and say in the trace what it is."""
        self.samples = dataset.to_check(self.job, model)
        self.inputs = self.samples.batches[0]
        self.preprocessing = model.preprocessing
        self.trace.facts(
            inputs={
                name: {"dtype": str(value.dtype), "shape": list(value.shape)}
                for name, value in model.inputs.items()
            },
            versions={"numpy": np.__version__, **model.versions},
        )

    def batches(self) -> Any:
        """The batches to calibrate on; None without any."""
        source = dataset.to_calibrate(self.job, self.calibrates_on)
        if source is None:
            return None
        self.trace.facts(calibrated_on=source.source)
        tell = self.trace.journal.progress("calibrating")
        seed = self.job.model.seed
        return dataset.batches(source, self.inputs, seed, self.preprocessing, tell)

    def keep(self, what: str, folder: str | None, save: Callable[[Path], None]) -> None:
        """Leave something in a folder of the job, if it names one, for other processes.

        What goes wrong is on record, and costs the compile nothing.
        """
        if folder is None:
            return
        with self.trace.recorder.pause():
            try:
                save(Path(folder))
            except Exception as error:
                self.trace.recorder.fault(what, error)

    def describe_code(
        self, assembly: Callable[[], str], called: Callable[[], list[dict[str, Any]]]
    ) -> None:
        """Say in the trace which instructions each kernel consists of, if the job wants that.

        For another machine, generating the code is all that shows that it can be: raises what TVM
        raises. Otherwise what goes wrong is on record, and costs the compile nothing.
        """
        if not (self.job.code or self.job.target):
            return
        with self.trace.recorder.pause():
            try:
                text = assembly()
            except Exception as error:
                if self.job.target:
                    raise
                self.trace.recorder.fault("machine code", error)
                return
            try:
                triple = target.triple(self.target)
                kernels = kernel_code.of_text(text, called(), triple)
                (self.trace.path / KERNELS).write_text(json.dumps(kernels), encoding="utf-8")
                self.trace.journal.event("kernel_code", file=KERNELS)
            except Exception as error:
                self.trace.recorder.fault("machine code", error)

    def run_samples(
        self,
        run: Callable[[Batch], list[np.ndarray]],
        repeats: Callable[[list[np.ndarray]], bool],
        pooling: Callable[[], Callable[[Batch], np.ndarray | None]],
    ) -> None:
        """Run the model on each of the samples, and write beside the journal what comes out:
        `output0`, … with an axis for the samples in front, `labels` where they have some, and
        `pooled`, where there is a last pooling what it reads for the first of them: float32,
        [samples, channels, places].

        `repeats` says of the outputs of the first whether they come out the same again. `pooling`
        makes a function that runs it once more, for `pooled`.
        """
        tell = self.trace.journal.progress("running")
        number = len(self.samples.batches)
        results = []
        for done, batch in enumerate(self.samples.batches, 1):
            results.append(run(batch))
            tell(done, number)
        named: Any = {f"output{i}": np.stack(values) for i, values in enumerate(zip(*results))}
        if self.samples.labels is not None:
            named["labels"] = self.samples.labels
        pooled = self._pooled(pooling)
        if pooled is not None:
            named["pooled"] = pooled
        np.savez(self.trace.path / OUTPUTS, **named)
        if self.job.keep_inputs:
            given: Any = {
                name: np.stack([batch[name] for batch in self.samples.batches])
                for name in self.inputs
            }
            np.savez(self.trace.path / "inputs.npz", **given)
        self.trace.journal.event(
            "outputs", file=OUTPUTS, deterministic=repeats(results[0]), inputs=number
        )

    def _pooled(
        self, pooling: Callable[[], Callable[[Batch], np.ndarray | None]]
    ) -> np.ndarray | None:
        """Of the first samples; None where nothing is pooled, or it cannot be had: that is on
        record, and costs the compile nothing."""
        try:
            read = pooling()
            return stacked([read(batch) for batch in self.samples.batches[:INPUTS]])
        except Exception as error:
            self.trace.recorder.fault("what the last pooling reads", error)
            return None
