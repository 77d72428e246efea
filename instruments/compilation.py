"""What the compiles of all dialects share: the target, the model, the data, what is kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable

import numpy as np

from .inputs import dataset, target
from .inputs.models import Model
from .protocol.jobs import CompileJob, DataSource, ModelSource
from .quantize_trace import QuantizeTrace

Loader = Callable[[ModelSource], Model]


class Compilation:
    """A compile of a job, on record in a trace. A dialect says how each step is done.

    After `load`, `target` is TVM's Target and `inputs` the model's inputs by name.
    """

    calibrates_on: str | None = None
    """Without a `dataset` in the job: what to calibrate on, see inputs.dataset."""

    def __init__(self, trace: QuantizeTrace, job: CompileJob) -> None:
        self.trace = trace
        self.job = job
        self.target: Any = None
        self.inputs: dict[str, np.ndarray] = {}

    def all(self) -> None:
        """Import, quantize, build, load and run. Raises what TVM raises."""
        raise NotImplementedError

    def describe_target(self, **facts: Any) -> None:
        """Take the target of the job, and say in the trace which it is and why."""
        text, reason = target.host(self.job.mcpu)
        if self.job.target:
            text, reason = self.job.target, "as asked"
        self.target = target.parse(text)
        self.trace.facts(
            target=text,
            target_reason=reason,
            host_features=target.host_features(),
            target_features=target.target_features(self.target),
            threads=int(os.environ.get("TVM_NUM_THREADS") or len(os.sched_getaffinity(0))),
            **facts,
        )

    def describe_model(self, model: Model) -> None:
        """Take a model's inputs, and say in the trace what it is."""
        self.inputs = model.inputs
        self.trace.facts(
            inputs={
                name: {"dtype": str(value.dtype), "shape": list(value.shape)}
                for name, value in model.inputs.items()
            },
            versions={"numpy": np.__version__, **model.versions},
        )

    def batches(self) -> Any:
        """The batches to calibrate on; None without any."""
        source = self.job.dataset
        if source is None and self.calibrates_on is not None:
            source = DataSource(self.calibrates_on)
        if source is None:
            return None
        self.trace.facts(calibrated_on=source.source)
        return dataset.batches(
            source.source,
            self.inputs,
            source.samples,
            self.job.model.seed,
            lambda done, of: self.trace.journal.event(
                "progress", what="calibrating", done=done, of=of
            ),
        )

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

    def keep_outputs(self, outputs: list[np.ndarray], deterministic: bool) -> None:
        """Write the outputs beside the journal, and whether they came out the same again."""
        named: Any = {f"output{i}": value for i, value in enumerate(outputs)}
        np.savez(self.trace.path / "outputs.npz", **named)
        self.trace.journal.event("outputs", file="outputs.npz", deterministic=deterministic)
