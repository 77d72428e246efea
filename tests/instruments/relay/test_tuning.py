"""AutoTVM's schedules in a real TVM: what dies or hangs, and what computes something else."""

from __future__ import annotations

import json
from pathlib import Path

from support.paths import InTvm

from tvmq_diag.instruments.tuning import workers
from tvmq_diag.measurements import tuning

TASK = """
import ctypes, json, sys, time
from pathlib import Path
import numpy as np
import tvm
from tvm import autotvm, relay
from instruments.inputs import target as targets
from instruments.recording.journal import Journal
from instruments.relay import tuning
from instruments.tuning.search import Search
from instruments.tuning.tunable import Use, compared
from instruments.tuning.workers import Limits

def int8_task(channels, size):
    data = relay.var("data", shape=(1, channels, size, size), dtype="uint8")
    weight = relay.var("weight", shape=(64, channels, 3, 3), dtype="int8")
    body = relay.nn.conv2d(data, weight, kernel_size=(3, 3), channels=64, out_dtype="int32")
    host = targets.parse(targets.host(None)[0])
    folder = Path(sys.argv[1])
    tuning.save(tvm.IRModule.from_expr(relay.Function([data, weight], body)), {}, host, folder)
    (line,) = (folder / tuning.TASKS).read_text().splitlines()
    return line
"""


def test_a_schedule_that_dies_or_hangs_is_a_trial_that_failed(
    in_tvm: InTvm, tmp_path: Path
) -> None:
    script = """
    class Deadly(tuning.Task):
        def timer(self, point):
            run = super().timer(point)
            if point == 0:
                return lambda: ctypes.string_at(0)
            return (lambda: time.sleep(60)) if point == 1 else run

    task = Deadly(int8_task(8, 9))
    task.uses["int8"] = Use(1)
    folder = Path(sys.argv[1])
    journal = Journal(folder)
    Search([task], journal, folder / "records", Limits(20.0, 2.0)).all(120.0)

    """
    done = in_tvm(TASK + _plain(script), str(tmp_path))
    assert done.returncode == 0, done.stderr[-2000:]
    (task,) = tuning.load(tmp_path).tasks.values()
    assert task.begins.name == "conv2d_NCHWc_int8.x86" and task.begins.ms is not None
    errors = {trial.point: trial.error for trial in task.trials if trial.ms is None}
    assert errors == {0: workers.DIED, 1: "still running after 2 s"}
    assert len(task.trials) == task.begins.points  # the others were all tried
    (records,) = (tmp_path / "records").iterdir()
    kept = [json.loads(line) for line in records.read_text().splitlines()]
    codes = {one["config"]["index"]: one["result"][1] for one in kept}
    # MeasureErrorNo.RUNTIME_DEVICE and RUN_TIMEOUT
    assert (codes[0], codes[1]) == (4, 7) and 0 in codes.values()


def test_a_schedule_is_right_where_numpy_says_so(in_tvm: InTvm, tmp_path: Path) -> None:
    # With tile_oc=32 and tile_ow=7 TVM 0.16's schedule for AVX-512 VNNI leaves six of seven
    # results of a row as they were.
    script = """
    task = tuning.Task(int8_task(8, 9))
    _, buffers = task._scheduled(None, in_tuning=False)
    data, weight = (tuning._seeded(buffer).astype("int64") for buffer in buffers[1:])
    if data.shape[0] != 1:
        data, weight = weight, data
    size = data.shape[2] - 2
    expected = sum(
        np.einsum("nchw,oc->nohw", data[:, :, i:i + size, j:j + size], weight[:, :, i, j])
        for i in range(3) for j in range(3)
    ).astype("int32")
    default = task.outputs(None)()
    says = []
    for point in range(int(np.prod(task.choices))):
        ours = task.outputs(point)()
        says.append([compared(ours, default).same, bool(np.array_equal(ours, expected))])
    print(json.dumps([bool(np.array_equal(default, expected)), says]))
    """
    done = in_tvm(TASK + _plain(script), str(tmp_path))
    assert done.returncode == 0, done.stderr[-2000:]
    default, says = json.loads(done.stdout.splitlines()[-1])
    assert default and len(says) > 8
    assert all(ours == numpys for ours, numpys in says)


def test_no_cost_model_and_no_compiler_is_needed(in_tvm: InTvm, tmp_path: Path) -> None:
    script = """
    import builtins, os
    os.environ["PATH"] = ""
    real = builtins.__import__
    def guarded(name, *rest, **more):
        assert name.partition(".")[0] not in ("xgboost", "psutil"), name
        return real(name, *rest, **more)
    builtins.__import__ = guarded
    task = tuning.Task(int8_task(8, 9))
    print(json.dumps(task.timer(None)()))
    """
    done = in_tvm(TASK + _plain(script), str(tmp_path))
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) > 0


def _plain(script: str) -> str:
    """Without the indentation that it has in its test."""
    return "\n".join(line.removeprefix("    ") for line in script.splitlines())
