"""The reading end, on journals written by the real writer: whole, cut anywhere, damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tvmq_diag.analysis import recording
from tvmq_diag.analysis.reasons import lookup
from tvmq_diag.errors import UsageError
from tvmq_diag.instruments.protocol.schema import JOURNAL, SCHEMA
from tvmq_diag.instruments.recording.journal import Journal
from tvmq_diag.trace import reader
from tvmq_diag.trace.failure import Blame
from tvmq_diag.trace.trace import PassRun, Trace


def write(folder: Path) -> Path:
    """A small trace: realize fails inside a sequential."""
    folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder)
    journal.event(
        "start", schema=SCHEMA, time="2026-01-01", pid=1, dialect="relay", command=["x"],
        versions={"tvm": "0.16"},
    )  # fmt: skip
    journal.event("facts", values={"target": "llvm"})
    rows = [
        {"kind": "var", "name": "x<b>", "dtype": "float32", "shape": [1, 3]},
        {"kind": "call", "op": "add", "inputs": [0, 0], "dtype": "float32", "shape": [1, 3]},
    ]
    journal.event("snapshot", id=1, table=journal.table(1, rows))
    journal.event("enter", id=1, parent=None, name="sequential", stage="prepare", snapshot=1)
    journal.event("enter", id=2, parent=1, name="Partition", stage="partition", snapshot=1)
    journal.event("leave", id=2, snapshot=1, own=0.5)
    journal.event("enter", id=3, parent=1, name="QuantizeRealize", stage="realize", snapshot=1)
    journal.event("unwind", passes=[1, 3])
    journal.event("error", error="TVMError", message="TVMError: no", passes=[1, 3], stage="realize")
    journal.event("end", clean=True)
    journal.close()
    return folder


def test_a_whole_trace(tmp_path: Path) -> None:
    loaded = reader.load(write(tmp_path / "t"))
    assert [run.name for run in loaded.failing_path] == ["sequential", "QuantizeRealize"]
    assert loaded.failing_path[-1].path == ["sequential", "QuantizeRealize"]
    assert loaded.ended and not loaded.problems
    snapshot = loaded.failing_snapshot()
    assert snapshot is not None and snapshot.calls[0].tensor == "float32[1,3]"


def test_cut_at_every_byte_it_opens_up_to_the_last_event(tmp_path: Path) -> None:
    whole = (write(tmp_path / "t") / JOURNAL).read_bytes()
    announced = b'"name":"QuantizeRealize"'
    for length in range(len(whole)):
        cut = whole[:length]
        (tmp_path / "t" / JOURNAL).write_bytes(cut)
        loaded = reader.load(tmp_path / "t")
        lines = cut.count(b"\n")
        complete = cut[: cut.rfind(b"\n") + 1]
        assert len(loaded.problems) <= 1
        if announced in complete:
            assert loaded.failing_path[-1].name == "QuantizeRealize"
        if lines >= 4 and announced not in complete:
            assert loaded.pass_runs[1].name == "sequential"


def test_a_missing_table_is_a_problem_not_an_error(tmp_path: Path) -> None:
    folder = write(tmp_path / "t")
    (folder / "snapshots" / "00001.json").write_text("[{")
    loaded = reader.load(folder)
    assert loaded.failing_snapshot() is None
    assert loaded.problems == ["snapshot 1 cannot be read"]


def test_rows_that_read_what_is_not_there_are_mended_and_said(tmp_path: Path) -> None:
    folder = write(tmp_path / "t")
    rows = [
        {"kind": "var", "name": "x"},
        {"kind": "call", "op": "add", "inputs": [0, 99]},
        {"kind": "call", "op": "relu", "inputs": [1, -1, True, "0", 2], "callee": 7},
        {"kind": "call", "op": "exp", "inputs": [2, 0]},
    ]
    (folder / "snapshots" / "00001.json").write_text(json.dumps(rows))
    loaded = reader.load(folder)
    failing = loaded.failing_snapshot()
    assert failing is not None
    assert [node.inputs for node in failing.nodes] == [(), (0,), (1,), (2, 0)]
    assert failing.nodes[2].callee is None
    assert loaded.problems == ["snapshot 1: 2 rows read or call what is no row before them"]
    assert [call.op for call in failing.executed()] == ["add", "relu", "exp"]
    loaded.blame = Blame(2, 1, "relu", None, 1, 0.0, "replay")
    op = recording.judged(loaded).op
    assert op is not None and (op.name, op.index) == ("relu", 1)


def compiled(folder: Path, *after: dict[str, Any]) -> Trace:
    """A trace of the same passes, all ended, whose module 2 is compiled then."""
    folder = write(folder)
    lines = (folder / JOURNAL).read_text().splitlines()[:-3]
    rows = [{"kind": "var", "name": "x"}, {"kind": "call", "op": "cast", "inputs": [0]}]
    (folder / "snapshots" / "00002.json").write_text(json.dumps(rows))
    events = [
        {"kind": "leave", "t": 1.0, "id": 3, "snapshot": 2},
        {"kind": "leave", "t": 1.0, "id": 1, "snapshot": 2},
        {"kind": "snapshot", "t": 1.0, "id": 2, "table": "snapshots/00002.json"},
        {"kind": "compiling", "t": 1.0, "snapshot": 2},
        {"kind": "stage", "t": 2.0, "name": "codegen"},
        *after,
    ]
    lines += [json.dumps(event) for event in events]
    (folder / JOURNAL).write_text("\n".join(lines) + "\n")
    return reader.load(folder)


BLAME = {
    "kind": "blame", "t": 4.0, "row": 1, "index": 0, "name": "cast", "within": None, "runs": 1,
    "ms": 1.0, "how": "replay", "snapshot": 2,
}  # fmt: skip


def test_what_failed_in_no_pass_failed_on_the_module_given_to_the_compiler(tmp_path: Path) -> None:
    error = {"kind": "error", "t": 3.0, "error": "TVMError", "message": "no", "passes": [],
             "stage": "codegen"}  # fmt: skip
    for name, after in (("died", ()), ("raised", (error, BLAME))):
        loaded = compiled(tmp_path / name, *after)
        assert not loaded.problems and not loaded.failing_path and loaded.failing_place == 0
        assert loaded.fails_in_compiling and loaded.failing_stage == "codegen"
        failing = loaded.failing_snapshot()
        assert failing is not None and failing.number == 2
        assert loaded.can_replay
    blamed = loaded.blamed()
    assert blamed is not None and blamed[1].op == "cast"


def test_what_failed_in_a_pass_or_not_at_all_did_not_fail_in_compiling(tmp_path: Path) -> None:
    worked = compiled(tmp_path / "worked", {"kind": "end", "t": 3.0, "clean": True})
    assert worked.compiling == 2 and worked.failing_snapshot() is None
    assert not worked.can_replay
    again = {"kind": "enter", "t": 3.0, "id": 4, "parent": None, "name": "LegalizeOps",
             "stage": "lower", "snapshot": 1}  # fmt: skip
    inside = compiled(tmp_path / "inside", again)
    failing = inside.failing_snapshot()
    assert not inside.fails_in_compiling and failing is not None and failing.number == 1
    lowered = compiled(tmp_path / "lowered", {**again, "snapshot": None}, BLAME)
    failing = lowered.failing_snapshot()
    assert lowered.fails_in_compiling and failing is not None and failing.number == 2


def test_why_constant_folding_kills_the_process_of_what_is_narrower_than_a_byte() -> None:
    assert "packed 4-bit values" in str(lookup.of_death("FoldConstant", "int4"))
    assert "packed 1-bit values" in str(lookup.of_death("FoldConstant", "uint1"))
    for name, dtype in (("FoldConstant", "int8"), ("FoldConstant", None), ("FuseOps", "int4")):
        assert lookup.of_death(name, dtype) is None


def test_times_leave_out_the_recorder(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    folder.mkdir()
    events = [
        {"kind": "enter", "t": 0.0, "id": 1, "parent": None, "name": "a", "stage": "lower",
         "snapshot": None, "own": 1.0},
        {"kind": "enter", "t": 15.0, "id": 2, "parent": 1, "name": "b", "stage": "lower",
         "snapshot": None, "own": 5.0},
        {"kind": "leave", "t": 40.0, "id": 2, "snapshot": None, "own": 20.0},
        {"kind": "leave", "t": 50.0, "id": 1, "snapshot": None, "own": 2.0},
    ]  # fmt: skip
    (folder / JOURNAL).write_text("\n".join(json.dumps(event) for event in events) + "\n")
    passes = reader.load(folder).pass_runs
    assert passes[2].ms == 5.0  # 25 ms, of which 20 ms after it had ended
    assert passes[1].ms == 23.0  # 50 ms less 2 of its own and 25 of b's


def test_no_trace_and_a_newer_trace_are_said_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no trace"):
        reader.load(tmp_path)
    (tmp_path / JOURNAL).write_text(json.dumps({"kind": "start", "schema": SCHEMA + 1}) + "\n")
    with pytest.raises(UsageError, match="newer tvmq_diag"):
        reader.load(tmp_path)


@pytest.mark.parametrize(
    ("names", "blamed", "depth"),
    [
        (["sequential", "QuantizeRealize", "InferType"], "QuantizeRealize", 3),
        (["sequential", "FoldConstant", "sequential", "LowerTE"], "FoldConstant", 2),
        (["sequential", "InferType"], "InferType", 2),
        ([], None, 0),
    ],
)
def test_the_pass_to_blame_is_none_that_wraps_others(
    names: list[str], blamed: str | None, depth: int
) -> None:
    """Open passes, each inside the one before, as a process that died leaves them."""
    runs: list[PassRun] = []
    for number, name in enumerate(names):
        runs.append(PassRun(number, name, "fold", 0.0, runs[-1] if runs else None))
    trace = Trace(Path("t"), pass_runs={run.number: run for run in runs})
    assert (trace.blamed_pass.name if trace.blamed_pass else None) == blamed
    assert len(trace.blamed_path) == depth
    assert [run.folded for run in runs] == [number >= depth for number in range(len(runs))]
    if runs:
        assert trace.blamed_path[-1].owner.name == blamed
