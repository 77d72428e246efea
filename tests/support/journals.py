"""Journals with an event of every kind, written by the real writer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tvmq_diag.instruments.protocol.schema import SCHEMA
from tvmq_diag.instruments.recording.journal import Journal

ROWS: list[dict[str, Any]] = [
    {"kind": "var", "name": "x<b>", "dtype": "float32", "shape": [1, 3]},
    {"kind": "constant", "hash": "9f2c", "value": 2.0, "dtype": "float32", "shape": []},
    {"kind": "call", "op": "add", "inputs": [0, 1], "attrs": {"axis": [1]}, "span": "a",
     "callee": None,     "dtype": "float32", "shape": [1, 3]},
    {"kind": "tuple", "inputs": [2, 0], "type": "(float32, float32)"},
]  # fmt: skip


def trace(folder: Path) -> Path:
    """A compile that fails in QuantizeRealize, and all that may be found out about it."""
    journal = _opened(folder)
    event = journal.event
    event("start", schema=SCHEMA, time="2026-01-01", pid=1, dialect="relay", command=["x"],
          versions={"tvm": "0.16"})  # fmt: skip
    event("facts", values={"target": "llvm", "threads": 2, "qconfig": {"dtype_input": "int4"}})
    event("stage", name="prepare")
    event("progress", what="calibrating", done=1, of=2)
    event("taken", what="import", made="2026-01-01T00:00:00+0000", ms=1234.5, passes=[])
    event("snapshot", id=1, table=journal.table(1, ROWS))
    event("snapshot", id=2, primfuncs=[{"name": "f", "params": ["int8"]}])
    event("enter", id=1, parent=None, name="sequential", stage="prepare", snapshot=1, own=0.1)
    event("enter", id=2, parent=1, name="Partition", stage="partition", snapshot=1, own=0.1)
    event("leave", id=2, snapshot=1, own=0.5, inside=3)
    event("enter", id=3, parent=1, name="QuantizeRealize", stage="realize", snapshot=1, own=0.1)
    event("warning", text="NCHWc layout", file="_annotate.py", line=149)
    event("unwind", passes=[1, 3])
    event("compiling", snapshot=1)
    event("error", error="TVMError", message="TVMError: no", passes=[1, 3], stage="realize",
          diagnostics=["d"],
          python={"function": "f", "file": "a.py", "line": 3, "statement": "assert x",
                  "condition": "x", "values": [["x", "0"]]},
          tvms=True)  # fmt: skip
    event("text", file="ir/failing.txt")
    event("looking", what="which op", queries=20)
    event(
        "blame", row=2, index=0, name="add", within=None, runs=8, ms=1.5, how="replay", snapshot=1
    )
    event("culprit", index=0, name="concatenate", dtype="int32", proof="by replay")
    event("knobs", fields=["dtype_activation"])
    event("smallest", file="repro.py", calls=1, of=2, queries=3, ms=2.5, complete=True,
          deterministic=True)  # fmt: skip
    event("map", accepted=[2], rejected=[[2, "TVMError: no"]], unjudged=[[2, "why"]], left=0,
          queries=3, ms=4.5)  # fmt: skip
    event("investigation")
    event("skipped", what="map", reason="no time")
    event("outputs", file="outputs.npz", deterministic=True)
    event("kernel_code", file="kernels.json")
    event("fault", where="snapshot", message="gone")
    event("end", clean=True)
    journal.close()
    return folder


def benchmark(folder: Path) -> Path:
    """Two rounds of a model in float and in int8, and a profile."""
    journal = _opened(folder)
    event = journal.event
    event("start", schema=SCHEMA, time="2026-01-01")
    where = {"threads": 2, "affinity": [0, 1], "cpu": "a CPU", "tvm": "0.16", "eager_threads": 2}
    event("facts", values={**where, "rpc": {"host": "h", "port": 1, "key": "k"}})
    for number in range(2):
        event("round", number=number, ms={"float32": 2.5, "int8": 1.5})
        event("progress", what="round", done=number, of=2)
    event("peaks", threads=2, streams=[[1024, 2e11]], float_ops=2e11, int8_ops=None)
    event("profile", of="int8", kernels=[{"name": "conv2d", "ms": 1.5, "shapes": "int8[1]"}])
    event("fault", where="profile of float32", message="no")
    event("end")
    journal.close()
    return folder


FIGURES = {"cosine": 0.5, "sqnr_db": 9.5, "max_abs_error": 0.5, "nan": 0, "inf": 1}


def numerics(folder: Path) -> Path:
    """An op with a quantization step."""
    journal = _opened(folder)
    event = journal.event
    event("start", schema=SCHEMA)
    event("stage", name="run")
    event("facts", values={"target": "llvm", "qconfig": {"nbit_input": 8}, "simulation": "tvm",
                           "seed": 0, "seconds": {"import": 0.5}})  # fmt: skip
    event("progress", what="ops", done=1, of=1)
    shares = {"saturated": 0.5, "saturated_alone": 0.5, "zeroed": 0.5, "largest": 9.5}
    event("site", index=0, feeds=[0], of="input", data="x", shape=[1, 3], scale=0.5, clip=127.0,
          least_scale=0.5, **shares)  # fmt: skip
    event("output", shapes=[[1, 3]], propagated=FIGURES)
    errors = {"propagated": FIGURES, "alone": FIGURES, "at_output": FIGURES}
    event("anchor", index=0, op="add", span="a", shape=[1, 3], sites=[0], reads=[0],
          float={"nan": 0, "inf": 0}, **errors)  # fmt: skip
    event("fault", where="ops", message="no")
    event("end")
    journal.close()
    return folder


def bisection(folder: Path) -> Path:
    """A pass and an op that bring an error in."""
    journal = _opened(folder)
    event = journal.event
    judged = {"right": False, "figures": FIGURES, "repeats": True, "why": None}
    event("start", schema=SCHEMA)
    event("stage", name="check")
    event("facts", values={"target": "llvm", "plain": "llvm", "bound": 0.95, "bound_db": 10.0})
    event("progress", what="calibration", done=1, of=1)
    event("after", index=0, of="pass", name="QuantizeRealize", stage="realize", **judged)
    event("culprit", name="QuantizeRealize", stage="realize", last_right="QuantizeAnnotate",
          over=["FoldConstant"], exact=True)  # fmt: skip
    event("tried", what="all but add", op="add", span="a", **judged)
    event("op", index=0, name="add", span="a", how="one by one", exact=True)
    event("kernel", implementation="conv2d_NCHWc_int8.x86", **judged)
    event("another", why="this was done with another quantizer")
    event("unknown", why="there was no time for more")
    event("right")
    event("fault", where="op", message="no")
    event("end")
    journal.close()
    return folder


def tuning(folder: Path) -> Path:
    """A kernel with a schedule that is faster in turn."""
    journal = _opened(folder)
    event = journal.event
    event("start", schema=SCHEMA)
    event("facts", values={"seconds": 60.0, "threads": 2})
    event("stage", name="tune")
    event("task", number=0, name="conv2d", text="int8[1]", points=8, known=1, ms=2.5, error=None,
          uses={"int8": {"calls": 2, "ms": 4.5}, "float32": {"calls": 1, "ms": None}})  # fmt: skip
    event("trial", task=0, point=3, ms=1.5, error=None)
    event("trial", task=0, point=4, ms=None, error="the process dies")
    event("wrong", task=0, point=5, ms=0.5, outputs={"same": False, "difference": 7.0}, error=None,
          record="{}")  # fmt: skip
    event("progress", what="conv2d", done=1, of=60)
    event("candidate", task=0, point=3, default_ms=[2.5] * 8, ms=[1.5] * 8, keeps_layout=True,
          outputs={"same": True, "difference": 0.0}, error=None, record="{}")  # fmt: skip
    event("fault", where="tuning", message="no")
    event("end")
    journal.close()
    return folder


def _opened(folder: Path) -> Journal:
    folder.mkdir(parents=True, exist_ok=True)
    return Journal(folder)
