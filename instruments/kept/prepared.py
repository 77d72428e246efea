"""The module that the quantizer's first pass gets, kept with the passes that made it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import tvm

from ..protocol.jobs import CompileJob
from ..recording.recorder import Recorder
from ..tvm_types import IRModule
from . import entry, fingerprint, tape

_FORM = 1
_MODULE = "module.json"


def prepared(
    job: CompileJob,
    recorder: Recorder | None,
    depends_on: list[Any],
    make: Callable[[], IRModule],
) -> IRModule:
    """What `make` makes of the model of a job, or another process has kept below the job's `kept`;
    then its passes are told in the trace as if they had run here. Without a recorder none are told,
    and it is not kept.

    It depends on the model, TVM, what this project does before, the first ops, and, as plain
    values, `depends_on`. With `save_ir` it is made each time. Raises what `make` raises.
    """
    contents = fingerprint.of_model(job.model)
    muted = recorder is not None and recorder.muted
    if job.kept is None or contents is None or job.save_ir or muted:
        return make()
    job_depends = [vars(job.model), job.first_ops, job.fq2i, job.quantize_anyway]
    name = entry.key(
        _FORM, job.dialect, job_depends, contents, fingerprint.of_process(), depends_on
    )
    kept = entry.Entry(Path(job.kept), "prepared", name)
    if recorder is None:
        return kept.take_or_make(_module, make, save=None)
    return _recorded(kept, recorder, make)


def _recorded(kept: entry.Entry, recorder: Recorder, make: Callable[[], IRModule]) -> IRModule:
    passes = tape.Tape(recorder)

    def made() -> IRModule:
        with passes.running():
            return make()

    def save(module: IRModule, folder: Path) -> None:
        if not passes.whole:
            raise ValueError("there is more to tell of it than is on the tape")
        passes.save(folder)
        (folder / _MODULE).write_text(tvm.ir.save_json(module), encoding="utf-8")

    def take(folder: Path) -> IRModule:
        module = _module(folder)
        tape.tell(recorder, folder, "prepare", module)
        return module

    return kept.take_or_make(take, made, save)


def _module(folder: Path) -> IRModule:
    return tvm.ir.load_json((folder / _MODULE).read_text(encoding="utf-8"))
