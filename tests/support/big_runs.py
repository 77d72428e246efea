"""Runs of nets that are bigger than anybody waits for: written by the real journal, without a TVM.

The passes are those of Relay's quantizer, and each changes what it changes in a real net: of three
ops a convolution is annotated, calibrated, and realized into six.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tvmq_diag.instruments.protocol.schema import SCHEMA
from tvmq_diag.instruments.recording.journal import Journal

Rows = list[dict[str, Any]]

STEP = "relay.op.annotation.simulated_quantize"
SHAPE = [1, 16, 8, 8]
PASSES = (
    ("SimplifyInference", "prepare"),
    ("FoldConstant", "prepare"),
    ("QuantizePartition", "partition"),
    ("QuantizeAnnotate", "annotate"),
    ("QuantizeCalibrate", "calibrate"),
    ("QuantizeRealize", "realize"),
    ("FoldConstant", "fold"),
    ("FuseOps", "lower"),
)


def write(folder: Path, ops: int, width: int = 1) -> Path:
    """A finished run with a compile of so many ops in the model (a block is a convolution, an add and
    a relu), in so many chains side by side that are added up at the end."""
    trace = folder / "traces" / "int8_int8_int32"
    trace.mkdir(parents=True)
    verdict = {
        "configuration": "int8/int8/int32", "toolchain": "relay", "outcome": "works",
        "stage": "check", "seconds": 1.0, "role": "asked",
    }  # fmt: skip
    (folder / "verdict.json").write_text(json.dumps([verdict]), encoding="utf-8")
    facts = {"model": f"{ops} ops", "toolchain": "relay", "created": "2026-01-01"}
    (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    journal = Journal(trace)
    fields = {"schema": SCHEMA, "time": "2026-01-01", "pid": 1, "dialect": "relay"}
    journal.event("start", **fields, command=["x"], versions={"tvm": "0.16"})
    dtypes = {f"dtype_{kind}": "int8" for kind in ("input", "weight")} | {
        "dtype_activation": "int32"
    }
    journal.event("facts", values={"target": "llvm", "qconfig": dtypes})
    stages = ["import", *(stage for _, stage in PASSES)]
    for number, stage in enumerate(stages, 1):
        table = journal.table(number, module(ops, width, stage, number))
        journal.event("snapshot", id=number, table=table)
    for number, (name, stage) in enumerate(PASSES, 1):
        journal.event("stage", name=stage)
        journal.event(
            "enter", id=number, parent=None, name=name, stage=stage, snapshot=number, own=0.1
        )
        journal.event("leave", id=number, snapshot=number + 1, own=0.1, inside=0)
    journal.event("end", clean=True)
    journal.close()
    return folder


def module(ops: int, width: int, stage: str, version: int) -> Rows:
    """The op table of the net at a stage."""
    rows: Rows = [_row("var", name="x")]
    ends = []
    for chain in range(width):
        at = 0
        for block in range(max(1, ops // 3 // width)):
            at = _block(rows, at, f"{chain}.{block}", stage, version)
        ends.append(at)
    total = ends[0]
    for end in ends[1:]:
        total = _call(rows, "add", [total, end])
    rows.append({"kind": "function", "inputs": [total]})
    return rows


def _block(rows: Rows, at: int, name: str, stage: str, version: int) -> int:
    weights = _constant(rows, f"w{name}", [16, 16, 3, 3])
    steps, integer = stage in ("annotate", "calibrate"), stage in ("realize", "fold", "lower")
    if steps:
        at, weights = (_step(rows, one, k, stage) for k, one in ((1, at), (2, weights)))
    if integer:
        for op in ("multiply", "round", "clip", "cast"):
            reads = [at, _scalar(rows, 16.0)] if op == "multiply" else [at]
            at = _call(rows, op, reads, dtype="int8" if op == "cast" else "float32")
    made = "int32" if integer else "float32"
    attrs = {"kernel_size": [3, 3], "channels": 16, "data_layout": "NCHW", "out_dtype": made}
    at = _call(rows, "nn.conv2d", [at, weights], made, attrs=attrs, span=f"layer{name}.conv")
    folded = f"b{name}.{version}" if stage == "prepare" else f"b{name}"
    at = _call(rows, "add", [at, _constant(rows, folded, [16, 1, 1])], made)
    at = _call(rows, "nn.relu", [at], made)
    return _call(rows, "cast", [at], "float32") if integer else at


def _step(rows: Rows, at: int, kind: int, stage: str) -> int:
    known = [_scalar(rows, value) for value in (0.0625, -127.0, 127.0)]
    unknown = [_add(rows, _row("var", name="dom_scale", shape=[])) for _ in range(3)]
    reads = [at, *(known if stage == "calibrate" else unknown)]
    return _call(rows, STEP, reads, attrs={"kind": kind, "sign": 1, "rounding": "round"})


def _call(rows: Rows, op: str, inputs: list[int], dtype: str = "float32", **more: Any) -> int:
    return _add(rows, _row("call", dtype, op=op, inputs=inputs, **more))


def _constant(rows: Rows, name: str, shape: list[int]) -> int:
    return _add(rows, _row("constant", hash=f"{hash(name) & (1 << 64) - 1:016x}", shape=shape))


def _scalar(rows: Rows, value: float) -> int:
    return _add(rows, _row("constant", hash=f"{hash(value):016x}", value=value, shape=[]))


def _row(kind: str, dtype: str = "float32", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "dtype": dtype, "shape": SHAPE, **more}


def _add(rows: Rows, row: dict[str, Any]) -> int:
    rows.append(row)
    return len(rows) - 1
