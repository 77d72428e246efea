"""Relax modules as op tables, and the recorder on a TVM of today."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.paths import ROOT

from tvmq_diag.toolchains import resolution
from tvmq_diag.toolchains.recipes import EVERY
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace import ops as ops_of
from tvmq_diag.trace import reader


@pytest.fixture(scope="module")
def relax_toolchain() -> Toolchain:
    return resolution.resolve("relax", echo=print, layers=EVERY)


@pytest.fixture(scope="module")
def answers(relax_toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the script below found out, in one process: importing TVM takes its time."""
    folder = tmp_path_factory.mktemp("relax")
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n" + SCRIPT
    done = subprocess.run(
        [str(relax_toolchain.python), "-c", code, str(folder)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads((folder / "answers.json").read_text())
    found["folder"] = folder
    return found


SCRIPT = """
import json
import subprocess
from pathlib import Path
import numpy as np, tvm
from tvm import relax
from instruments import QuantizeTrace
from instruments.relax.ir import op_table as adapter, walk
from instruments.relax.compile import models
from instruments.protocol.jobs import ModelSource

folder = Path(sys.argv[1])
module = models.load(ModelSource("tiny")).module
tables = adapter.Tables()
legal = relax.transform.LegalizeOps()(module)
fused = tvm.transform.Sequential(
    [relax.transform.AnnotateTIROpPattern(), relax.transform.FuseOps()]
)(legal)
lowered = relax.get_default_pipeline(tvm.target.Target("llvm"))(module)
again = models.load(ModelSource("tiny")).module
other = models.load(ModelSource("tiny", seed=1)).module
view = adapter.View(module)
shared = relax.transform.DeadCodeElimination()(fused).with_attr("other", 1)
main = legal["main"]
found = {
    "remembered": [
        tables.rows(m) == adapter.Tables().rows(m) for m in (legal, fused, shared, lowered, legal)
    ],
    "same_parts": [adapter._of_same_parts(main, other) for other in (
        main, main.with_attr("a_new", 1), fused["main"]
    )],
    "rows": tables.rows(module), "legal": tables.rows(legal), "fused": tables.rows(fused),
    "lowered": tables.rows(lowered), "again": adapter.Tables().rows(again),
    "same": [view.same(adapter.View(m)) for m in (module, again, other, legal)],
    "cheap": view.same(adapter.View(again), deep=False),
    "graph": [adapter.has_graph(m) for m in (module, lowered)],
    "text": adapter.text(module),
    "primfuncs": adapter.primfuncs(adapter.View(lowered)),
    "lined_up": all(
        len(adapter.nodes_of(m)) == len(tables.rows(m)) and all(
            walk.is_call(node) == (row["kind"] == "call")
            for node, row in zip(adapter.nodes_of(m), tables.rows(m))
        ) for m in (module, legal, fused, lowered)
    ),
}

def const_chain(x, count):
    "Calls of constants only, which FoldConstant computes at compile time."
    builder = relax.BlockBuilder()
    data = relax.Var("x", relax.TensorType((4,), "float32"))
    with builder.function("main", [data]):
        with builder.dataflow():
            y = relax.const(np.ones(4, "float32"))
            for _ in range(count):
                y = builder.emit(relax.op.add(y, relax.const(np.ones(4, "float32"))))
            out = builder.emit_output(relax.op.add(data, y))
        builder.emit_func_output(out)
    return builder.get()

@tvm.transform.module_pass(opt_level=0, name="Breaks")
class Breaks:
    def transform_module(self, mod, ctx):
        raise ValueError("on purpose")

with QuantizeTrace(folder / "good", dialect="relax"):
    relax.transform.FoldConstant()(const_chain(0, 5))
    with tvm.transform.PassContext(opt_level=3):
        tvm.compile(module, tvm.target.Target("llvm"))
try:
    with QuantizeTrace(folder / "bad", dialect="relax"):
        with tvm.transform.PassContext(opt_level=3):
            tvm.transform.Sequential([relax.transform.ToNonDataflow(), Breaks()])(module)
except ValueError:
    pass
found["instruments"] = len(list(tvm.transform.PassContext.current().instruments or []))
(folder / "answers.json").write_text(json.dumps(found))
"""


def ops(rows: list[dict[str, Any]]) -> list[str]:
    return [row["op"] for row in rows if row["kind"] == "call"]


def test_a_row_has_dtype_shape_attributes_and_hash(answers: dict[str, Any]) -> None:
    rows = answers["rows"]
    assert rows[0] == {
        "kind": "var", "name": "input", "dtype": "float32", "shape": [1, 3, 32, 32],
    }  # fmt: skip
    assert rows[1]["kind"] == "constant" and len(rows[1]["hash"]) == 16
    convolution = rows[2]
    assert convolution["op"] == "nn.conv2d" and convolution["inputs"] == [0, 1]
    assert convolution["attrs"]["padding"] == [1, 1, 1, 1]
    assert (convolution["dtype"], convolution["shape"]) == ("float32", [1, 16, 32, 32])
    assert answers["again"] == rows


def test_operators_have_the_names_that_anchors_go_by(answers: dict[str, Any]) -> None:
    kinds = [ops_of.RELAX.anchor_kind(op) for op in ops(answers["rows"])]
    assert kinds.count("conv2d") == 4 and kinds.count("dense") == 1 and kinds.count("add") == 6
    # The kernels that are made from them are called conv2d2 and add3.
    kinds = [ops_of.RELAX.anchor_kind(op) for op in ops(answers["legal"])]
    assert kinds.count("conv2d") == 4 and kinds.count("dense") == 1 and kinds.count("add") == 6


def test_a_fused_function_comes_before_its_call(answers: dict[str, Any]) -> None:
    calls = [row for row in answers["fused"] if row["kind"] == "call" and "callee" in row]
    assert calls
    for row in calls:
        assert answers["fused"][row["callee"]]["kind"] == "function"
        assert row["callee"] < answers["fused"].index(row)


def test_what_a_lowered_kernel_writes_to_is_its_type(answers: dict[str, Any]) -> None:
    kernels = [
        row
        for row in answers["lowered"]
        if "conv2d" in row.get("op", "") and row["attrs"].get("kernel")
    ]
    assert len(kernels) == 4
    assert kernels[0]["dtype"] == "float32" and kernels[0]["shape"] == [1, 16, 32, 32]
    assert all(set(entry["params"]) == {"float32"} for entry in answers["primfuncs"])


def test_what_is_remembered_of_a_module_before_is_what_it_would_be_anew(
    answers: dict[str, Any],
) -> None:
    assert answers["remembered"] == [True] * 5


def test_a_function_of_the_same_parts_is_told_from_one_of_others(answers: dict[str, Any]) -> None:
    assert answers["same_parts"] == [True, False, False]


def test_rows_and_nodes_are_the_same_in_number_and_order(answers: dict[str, Any]) -> None:
    assert answers["lined_up"]


def test_equality_looks_at_structure_and_not_at_weights(answers: dict[str, Any]) -> None:
    assert answers["same"] == [True, True, True, False]
    assert answers["cheap"] is False
    assert answers["graph"] == [True, True]
    assert "R.nn.conv2d" in answers["text"] and len(answers["text"]) < 10_000


def test_the_recorder_counts_what_constant_folding_runs(answers: dict[str, Any]) -> None:
    folder: Path = answers["folder"] / "good"
    events = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    folding = next(e for e in events if e["kind"] == "leave")
    assert folding["inside"] > 50
    loaded = reader.load(folder)
    assert not loaded.faults and not loaded.problems
    names = [run.name for run in loaded.pass_runs.values()]
    assert names[0] == "FoldConstant" and "LegalizeOps" in names and "VMShapeLower" in names
    assert not loaded.pass_runs[1].children
    assert all(run.end is not None for run in loaded.pass_runs.values())
    legalize = next(run for run in loaded.pass_runs.values() if run.name == "LegalizeOps")
    assert legalize.stage == "lower" and legalize.changed
    assert answers["instruments"] == 0  # TVM is as it was


def test_a_pass_that_raises_is_the_failing_one(answers: dict[str, Any]) -> None:
    loaded = reader.load(answers["folder"] / "bad")
    assert [run.name for run in loaded.failing_path] == ["sequential", "Breaks"]
    assert loaded.failure is not None and "on purpose" in loaded.failure.message
    failing = loaded.failing_snapshot()
    assert failing is not None and len(failing.calls) == 18


def test_a_process_dying_in_constant_folding_is_found_there(
    relax_toolchain: Toolchain, tmp_path: Path
) -> None:
    """The inner passes are not written down, but the one around them is, before it begins."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n" + DYING
    done = subprocess.run(
        [str(relax_toolchain.python), "-c", code, str(tmp_path / "t")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == -9, done.stderr[-2000:]
    loaded = reader.load(tmp_path / "t")
    assert [run.name for run in loaded.failing_path] == ["FoldConstant"]


DYING = """
import os, signal
import tvm
from tvm import relax
from instruments import QuantizeTrace
from instruments.recording import recorder
from instruments.relax.compile import models
from instruments.protocol.jobs import ModelSource
import numpy as np

seen = recorder.Recorder._count
def dies(self, opened):
    seen(self, opened)
    if self.stack[0].inside == 20:
        os.kill(os.getpid(), signal.SIGKILL)
recorder.Recorder._count = dies
x = relax.const(np.ones(4, "float32"))
builder = relax.BlockBuilder()
with builder.function("main", []):
    with builder.dataflow():
        out = builder.emit_output(relax.op.add(x, x))
    builder.emit_func_output(out)
with QuantizeTrace(sys.argv[1], dialect="relax"):
    relax.transform.FoldConstant()(builder.get())
"""
