"""QuantizeTrace in somebody's own script, on the real TVM."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.paths import InTvm

from tvmq_diag.analysis import dtype_timeline, recording
from tvmq_diag.results.verdict import EXACT, REJECTED, WORKS
from tvmq_diag.trace import reader, trace

SCRIPT = "from recorder_script import *\n"


def recorded(in_tvm: InTvm, code: str, folder: Path) -> trace.Trace:
    done = in_tvm(SCRIPT + code, str(folder))
    assert done.returncode == 0, done.stderr[-2000:]
    return reader.load(folder)


def test_sees_inside_the_context_that_quantize_opens(in_tvm: InTvm, tmp_path: Path) -> None:
    loaded = recorded(
        in_tvm,
        "with QuantizeTrace(sys.argv[1]): quantize(model)\n",
        tmp_path / "t",
    )
    names = [run.name for run in loaded.pass_runs.values()]
    for name in ("QuantizePartition", "QuantizeAnnotate", "QuantizeCalibrate", "QuantizeRealize"):
        assert name in names
    assert names.index("SimplifyInference") < names.index("QuantizePartition")
    assert all(run.end is not None for run in loaded.pass_runs.values())
    assert loaded.stages == [
        "prepare", "partition", "annotate", "calibrate", "realize", "fold",
    ]  # fmt: skip
    assert not loaded.faults and not loaded.problems
    assert recording.judged(loaded).outcome == WORKS


def test_snapshots_only_where_the_module_changed(in_tvm: InTvm, tmp_path: Path) -> None:
    loaded = recorded(in_tvm, "with QuantizeTrace(sys.argv[1]): quantize(model)\n", tmp_path / "t")
    assert len(loaded.tables) < len(loaded.pass_runs) / 2
    changed = [run.name for run in loaded.pass_runs.values() if run.changed]
    assert "QuantizeRealize" in changed and "ForwardFoldScaleAxis" not in changed
    realized = next(loaded.modules_of("realize"))
    convolutions = [call for call in realized.calls if call.op == "nn.conv2d"]
    assert {realized.nodes[c.inputs[1]].dtype for c in convolutions} == {"int8", "float32"}
    assert convolutions[1].attrs["padding"] == [1, 1, 1, 1]


def test_weights_are_named_by_hash_and_never_written(in_tvm: InTvm, tmp_path: Path) -> None:
    loaded = recorded(in_tvm, "with QuantizeTrace(sys.argv[1]): quantize(model)\n", tmp_path / "t")
    imported = loaded.imported()
    assert imported is not None
    weights = [node for node in imported.nodes if node.kind == "constant"]
    assert len(weights) == 10
    assert len({node.hash for node in weights}) == 10
    assert all(node.value is None for node in weights if node.shape)
    text = "".join(path.read_text() for path in (tmp_path / "t" / "snapshots").iterdir())
    largest = max(len(json.dumps(row)) for row in json.loads(f"[{text.replace('][', ',')[1:]}"))
    assert largest < 1000


def test_a_rejection_names_op_and_knob_without_any_driver(in_tvm: InTvm, tmp_path: Path) -> None:
    loaded = recorded(
        in_tvm,
        "try:\n"
        "    with QuantizeTrace(sys.argv[1]), tvm.transform.PassContext(opt_level=3):\n"
        "        quantize(model, **INT4)\n"
        "except tvm.TVMError: pass\n",
        tmp_path / "t",
    )
    found = recording.judged(loaded)
    assert (found.outcome, found.pass_name, found.stage) == (REJECTED, "QuantizeRealize", "realize")
    assert found.message == "unknown data type int4"
    assert (found.knob, found.confidence) == ("dtype_activation", EXACT)
    assert found.op is not None and found.op.name == "add"
    assert found.via[0] == "tvm::relay::quantize::AddRealize"
    assert "simulated_quantize" in (tmp_path / "t" / str(loaded.text)).read_text()
    rows = dtype_timeline.timeline(loaded).rows
    assert [row.rejected for row in rows].count(True) == 1


def test_tvm_is_as_it_was_afterwards(in_tvm: InTvm, tmp_path: Path) -> None:
    recorded(
        in_tvm,
        """
PassContext = tvm.transform.PassContext
before = PassContext.__init__
current = PassContext.current()
for fields in ({}, INT4):
    try:
        with QuantizeTrace(sys.argv[1]): quantize(model, **fields)
    except tvm.TVMError: pass
    assert PassContext.__init__ is before
    assert not list(PassContext.current().instruments or [])
    assert PassContext.current().same_as(current)
count = len(open(sys.argv[1] + "/journal.jsonl").readlines())
quantize(model)
assert len(open(sys.argv[1] + "/journal.jsonl").readlines()) == count
""",
        tmp_path / "t",
    )
    assert (tmp_path / "t-2" / "journal.jsonl").exists()  # the second trace left the first alone


def test_the_result_is_the_same_with_and_without(in_tvm: InTvm, tmp_path: Path) -> None:
    recorded(
        in_tvm,
        """
plain = quantize(model)
with QuantizeTrace(sys.argv[1]): watched = quantize(model)
assert tvm.ir.structural_equal(plain["main"], watched["main"])
""",
        tmp_path / "t",
    )


def test_an_error_in_a_callback_is_recorded_and_the_compile_goes_on(
    in_tvm: InTvm, tmp_path: Path
) -> None:
    loaded = recorded(
        in_tvm,
        """
import instruments.relay.ir.op_table
def broken(self, module): raise ValueError("ours, <b>not</b> theirs")
instruments.relay.ir.op_table.Tables.rows = broken
with QuantizeTrace(sys.argv[1]): result = quantize(model)
assert "int8" in str(result)
""",
        tmp_path / "t",
    )
    assert any("ours, <b>not</b> theirs" in fault for fault in loaded.faults)
    assert loaded.ended


def test_the_users_own_instruments_still_work(in_tvm: InTvm, tmp_path: Path) -> None:
    loaded = recorded(
        in_tvm,
        """
seen = []
@tvm.instrument.pass_instrument
class Mine:
    def run_before_pass(self, module, info): seen.append(info.name)
with tvm.transform.PassContext(opt_level=3, instruments=[Mine()]):
    with QuantizeTrace(sys.argv[1]): quantize(model)
assert "SimplifyInference" in seen, seen
""",
        tmp_path / "t",
    )
    assert loaded.ended and loaded.pass_runs


def test_an_exception_caught_inside_does_not_confuse_the_tree(
    in_tvm: InTvm, tmp_path: Path
) -> None:
    loaded = recorded(
        in_tvm,
        """
with QuantizeTrace(sys.argv[1]):
    try: quantize(model, **INT4)
    except tvm.TVMError: pass
    quantize(model)
""",
        tmp_path / "t",
    )
    assert [run.name for run in loaded.pass_runs.values() if run.raised] == [
        "sequential",
        "QuantizeRealize",
    ]
    assert loaded.failing_path == []
    assert recording.judged(loaded).outcome == WORKS


KILL = """
import os, signal
from instruments.recording.ambient import ambient

@tvm.instrument.pass_instrument
class Kill:
    def __init__(self, after): self.left = after
    def run_before_pass(self, module, info):
        if self.left == 0:
            os.write(1, ("\\n" + info.name).encode())
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1

for after in range(int(sys.argv[2])):
    if os.fork() == 0:
        with ambient(Kill(after)), QuantizeTrace(f"{sys.argv[1]}/{after}"):  # ours first
            with tvm.transform.PassContext(opt_level=3): quantize(model)
        os._exit(0)
    os.wait()
"""


def test_killed_in_any_pass_the_trace_names_that_pass(in_tvm: InTvm, tmp_path: Path) -> None:
    passes = 36
    done = in_tvm(SCRIPT + KILL, str(tmp_path), str(passes))
    assert done.returncode == 0, done.stderr[-2000:]
    killed_in = done.stdout.split()
    assert "QuantizeRealize" in killed_in and len(killed_in) > 25
    for number, name in enumerate(killed_in):
        loaded = reader.load(tmp_path / str(number))
        assert loaded.failing_path[-1].name == name, number
        assert not loaded.ended


def test_ctrl_c_stops_the_compile_and_leaves_a_trace(in_tvm: InTvm, tmp_path: Path) -> None:
    loaded = recorded(
        in_tvm,
        """
import os, signal
from instruments.recording import snapshots
original = snapshots.Snapshots.take
def interrupted(self, module):
    if self.number == 3: os.kill(os.getpid(), signal.SIGINT)
    return original(self, module)
snapshots.Snapshots.take = interrupted
try:
    with QuantizeTrace(sys.argv[1]): quantize(model)
except KeyboardInterrupt: pass
else: raise SystemExit("it was not interrupted")
""",
        tmp_path / "t",
    )
    assert loaded.pass_runs


@pytest.mark.parametrize("texts", [True, False])
def test_texts_of_changed_modules_on_demand(in_tvm: InTvm, tmp_path: Path, texts: bool) -> None:
    recorded(
        in_tvm,
        f"with QuantizeTrace(sys.argv[1], save_ir={texts}): quantize(model)\n",
        tmp_path / "t",
    )
    assert (tmp_path / "t" / "ir" / "00001.txt").exists() == texts
