"""Jobs as both halves of the project read and write them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tvmq_diag.instruments.protocol import jobs
from tvmq_diag.instruments.protocol.jobs import (
    BenchmarkJob,
    BisectJob,
    CellJob,
    CompileJob,
    DataSource,
    EagerJob,
    InvestigateJob,
    Job,
    ModelSource,
    NumericsJob,
    OverheadJob,
    Rpc,
    ScriptJob,
    SearchJob,
    TuneJob,
    UntracedJob,
)
from tvmq_diag.instruments.protocol.records import RecordError

MODEL = ModelSource("onnx:net.onnx", {"": [1, 3, 8, 8]}, 7, None)
COMPILE: dict[str, Any] = {
    "trace": "runs/a/traces/int4",
    "dialect": "relay",
    "model": MODEL,
    "qconfig": {"dtype_input": "int4", "skip_conv_layers": [0, 2], "global_scale": 4.0},
    "dataset": DataSource("random:4", 2),
    "mcpu": "none",
    "first_ops": 10,
    "target": "llvm -mtriple=aarch64-linux-gnu",
    "code": True,
}

EACH: list[Job] = [
    CompileJob(**COMPILE),
    CompileJob("t", "relax", ModelSource("tiny")),
    UntracedJob(**COMPILE),
    InvestigateJob(**COMPILE, at=3, stage="realize", error=["TVMError", "no"], seconds=1.5),
    NumericsJob(**COMPILE, seconds=2.0),
    BisectJob(**COMPILE, min_cosine=0.9, made_with={"quantizer": "1"}),
    SearchJob(**COMPILE, min_cosine=0.9, seconds=3.0),
    CellJob("t", "relax", "matmul", "int4", ["fold", "run"]),
    BenchmarkJob("t", "relay", {"float32": "a"}, 30, 60.0, MODEL, Rpc("localhost", 9190, "key")),
    TuneJob("t", "relay", {"int8": "a"}, {"int8": [{"name": "k", "ms": 1.5}]}, 60.0, "records"),
    EagerJob(MODEL),
    OverheadJob(MODEL, {"nbit_input": 4}, 5, ["traced"]),
    ScriptJob("t", "relay", "mine.py", ["--fast"], save_ir=True),
]

OLD = """
{"task": "compile", "dialect": "relay", "trace": "a", "dataset": null, "mcpu": null, "target": null,
 "model": {"source": "tiny", "shape": null, "seed": 0, "weights": null}, "opt_level": 3,
 "qconfig": {"dtype_input": "int4"}, "first_ops": null, "imported": "/tmp/x", "artifact": null,
 "calibrated": null, "save_ir": false}
"""
"""As version 0.1.0 wrote one before jobs had types."""


@pytest.mark.parametrize("job", EACH, ids=lambda job: f"{job.TASK}")
def test_a_job_is_the_same_on_the_other_side(job: Job) -> None:
    assert jobs.read(json.loads(json.dumps(job.to_json()))) == job


def test_every_task_has_a_job() -> None:
    assert {type(job) for job in EACH} == set(jobs.JOBS.values())


def test_a_job_of_before_is_read() -> None:
    job = CompileJob.from_json(json.loads(OLD))
    assert job == CompileJob("a", "relay", ModelSource("tiny"), {"dtype_input": "int4"})
    shaped = CompileJob.from_json(json.loads(OLD.replace('"shape": null', '"shape": [1, 3]')))
    assert shaped.model == ModelSource("tiny", {"": [1, 3]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"calibrted": "x"}, "compile has no field 'calibrted'"),
        ({"model": {"source": "tiny", "sed": 1}}, "compile.model has no field 'sed'"),
        ({"model": {}}, "compile.model lacks 'source'"),
        ({"opt_level": "3"}, "compile.opt_level is '3', and no int"),
        ({"opt_level": True}, "compile.opt_level is True, and no int"),
        ({"save_ir": 1}, "compile.save_ir is 1, and no bool"),
        ({"trace": None}, "compile.trace is None, and no str"),
        ({"qconfig": []}, "compile.qconfig is"),
    ],
)
def test_a_field_that_is_not_as_declared_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        CompileJob.from_json({**json.loads(OLD), **change})


@pytest.mark.parametrize("record", [{}, {"task": "compil"}, [], None, {"task": "eager"}])
def test_what_is_no_job_is_refused(record: Any) -> None:
    with pytest.raises(RecordError):
        jobs.read(record)
