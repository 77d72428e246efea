"""The command itself, on the real TVM and through every outcome that can be provoked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.paths import ROOT
from support.walk import Walk

from tvmq_diag.analysis import tvm_error
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace import reader

Command = Callable[..., int]

KEYS = {
    "configuration", "toolchain", "outcome", "stage", "pass", "pass_path", "op", "message", "site",
    "knob", "confidence", "suggestion", "metrics", "latency_ms",
}  # fmt: skip

TROUBLE = """
import ctypes, time
import tvm
from tvm import relay

def net(op=relay.nn.relu):
    x = relay.var("x", shape=(1, 8, 8, 8))
    w = relay.var("w", shape=(8, 8, 3, 3))
    y = relay.nn.conv2d(op(x), w, padding=(1, 1))
    y = relay.nn.conv2d(relay.nn.relu(y), w, padding=(1, 1))
    params = {"w": tvm.nd.array(__import__("numpy").ones((8, 8, 3, 3), "float32"))}
    return tvm.IRModule.from_expr(relay.Function([x, w], y)), params

def in_annotate(what):
    def rewrite(call, args, context):
        what()
    tvm.ir.register_op_attr("nn.conv2d", "FQAnnotateRewrite", rewrite, level=20)
    return net()

def crash(): return in_annotate(lambda: ctypes.string_at(0))
def hang(): return in_annotate(lambda: time.sleep(1000))
def eat():
    hold = []
    return in_annotate(lambda: [hold.append(b"x" * 10**8) or time.sleep(0.01) for _ in range(200)])
def dense():
    x, w = relay.var("x", shape=(2, 8)), relay.var("w", shape=(4, 8))
    params = {"w": tvm.nd.array(__import__("numpy").ones((4, 8), "float32"))}
    return tvm.IRModule.from_expr(relay.Function([x, w], relay.nn.dense(x, w))), params
def nonsense(): return 42
"""


def verdicts(folder: Path) -> list[dict[str, Any]]:
    found = json.loads((folder / "verdict.json").read_text())
    assert all(set(verdict) >= KEYS for verdict in found)
    return list(found)


@pytest.fixture
def trouble(tmp_path: Path) -> str:
    (tmp_path / "trouble.py").write_text(TROUBLE)
    return "py:trouble.py"


def test_int4_is_rejected_at_realize(
    trace_quantize: Command,
    tmp_path: Path,
    relay: Toolchain,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = trace_quantize("--model", "tiny", "--dtype", "int4", "--no-reference", "--out", "o")
    assert code == 1
    (found,) = verdicts(tmp_path / "o")
    assert (found["outcome"], found["stage"]) == ("rejected", "realize")
    assert found["pass_path"] == ["sequential", "QuantizeRealize"]
    assert found["op"]["name"] == "simulated_quantize"  # in an O3 context it is the add behind it
    assert found["message"] == "unknown data type int4"
    assert found["site"]["file"] == "src/relay/transforms/pattern_utils.h"
    assert (found["knob"], found["confidence"]) == ("dtype_activation", "exact")
    first = capsys.readouterr().out.splitlines()[0]
    assert "int4" in first and "rejected" in first
    reproducer = tmp_path / "o" / found["reproducer"]
    assert len(reproducer.read_text().splitlines()) <= 30
    said = subprocess.run(
        [str(relay.python), str(reproducer)], capture_output=True, text=True, check=False
    )
    assert said.returncode == 1 and "unknown data type int4" in said.stderr
    recorded = reader.load(tmp_path / "o" / "traces" / "int4")
    assert recorded.map is not None and recorded.smallest is not None
    failing = recorded.failing_snapshot()
    assert failing is not None
    assert {failing.nodes[row].op.rpartition(".")[2] for row, _ in recorded.map.rejected} == {
        "simulated_quantize"
    }
    assert len(recorded.map.accepted) + len(recorded.map.rejected) == len(failing.calls)
    assert recorded.smallest.calls == 4
    page = (tmp_path / "o" / "index.html").read_text()
    assert "Every op on its own" in page and "The smallest module that fails" in page
    assert "unknown data type int4" in page and "QuantizeRealize" in page
    assert not (tmp_path / "index.html").exists()  # that folder is no folder of runs


@pytest.mark.slow
def test_a_sweep_with_reference_float_and_benchmark(
    trace_quantize: Command, tmp_path: Path
) -> None:
    code = trace_quantize(
        "--model", "tiny", "--dtype", "int8,int2,bool,int4/int8/int32",
        "--quantize-opt-level", "3", "--out", "runs/s",
    )  # fmt: skip
    assert code == 1
    found = {v["configuration"]: v for v in verdicts(tmp_path / "runs" / "s")}
    assert list(found)[:5] == ["int8", "int2", "bool", "int4/int8/int32", "int8/int8/int32"]
    assert found["int8/int8/int32"]["role"] == "reference"
    assert found["int8/int8/int32"]["outcome"] == "works"
    assert found["int8/int8/int32"]["metrics"]["cosine"] > 0.95
    assert found["int8/int8/int32"]["latency_ms"]["min"] > 0
    assert found["int2"]["message"].startswith("Check failed: dtype.bits % 8 == 0 (2 vs. 0)")
    assert "BroadcastRel" in found["int8"]["message"]  # which TVM prints to stderr only
    assert found["int8"]["op"]["name"] == "nn.conv2d"
    assert found["bool"]["pass"] == "tir.Simplify"
    assert found["bool"]["op"]["name"] == "nn.global_avg_pool2d"
    assert found["int4/int8/int32"]["pass"] == "AlterOpLayout"
    facts = json.loads((tmp_path / "runs" / "s" / "run.json").read_text())
    assert facts["float"]["latency_ms"]["tvm"]["min"] > 0

    for asked in ("int8", "int2", "bool", "int4/int8/int32"):
        instead = found[found[asked]["instead"]["configuration"]]
        assert instead["outcome"] == "works" and instead["metrics"]["cosine"] >= 0.95
    assert "weight_bits=" in found["int2"]["instead"]["configuration"]
    assert found["int8"]["instead"]["configuration"] == "int8/int8/int32"

    reached = {run["field"]: (run["stage"], run["outcome"]) for run in found["int2"]["knob_map"]}
    assert reached == {
        "dtype_input": ("lower", "rejected"),
        "dtype_weight": ("fold", "rejected"),
        "dtype_activation": ("realize", "rejected"),
        "dtype_input + dtype_weight": ("fold", "rejected"),
        "nbit_input + nbit_weight": ("run", "runs"),
    }
    weight = next(run for run in found["int2"]["knob_map"] if run["field"] == "dtype_weight")
    assert weight["change"].startswith("QuantizeRealize: cast(dtype=int8)")
    assert found["int8"]["knob_map"] is None  # only one of its fields differs from TVM's default


def test_what_works_exits_with_zero(trace_quantize: Command, tmp_path: Path) -> None:
    code = trace_quantize(
        "--model", "tiny", "--dtype", "int8/int8/int32", "--no-reference", "--out", "o"
    )
    assert code == 0
    (found,) = verdicts(tmp_path / "o")
    assert found["metrics"]["top1_agree"] == 1
    assert found["latency_ms"] is None  # no benchmark was asked for


def test_calibrating_over_data(trace_quantize: Command, tmp_path: Path) -> None:
    conf = "int8/int8/int32:calibrate_mode=percentile"
    asked = ("--model", "tiny", "--dtype", conf, "--no-reference", "--out", "o")
    assert trace_quantize(*asked, "--calibrate-on", "random:4") == 0
    (found,) = verdicts(tmp_path / "o")
    assert found["metrics"]["cosine"] > 0.999  # with TVM's fixed scale it is 0.978
    events = (tmp_path / "o" / "traces" / found["configuration"].replace("/", "_").replace(
        ":", "_") / "journal.jsonl").read_text()  # fmt: skip
    assert '"what":"calibrating","done":4,"of":4' in events


def test_data_to_calibrate_on_is_taken_where_none_is_given(
    trace_quantize: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = "int8/int8/int32:calibrate_mode=percentile"
    asked = ("--model", "tiny", "--dtype", conf, "--no-reference", "--out", "o")
    assert trace_quantize(*asked) == 0
    assert "calibrating with --calibrate-on natural:16, as none was given" in " ".join(
        capsys.readouterr().err.split()
    )
    assert json.loads((tmp_path / "o" / "run.json").read_text())["calibrated_on"] == "natural:16"


def test_wrong_numbers(trace_quantize: Command, tmp_path: Path) -> None:
    conf = "int8/int8/int32:nbit=2"
    assert trace_quantize("--model", "tiny", "--dtype", conf, "--no-reference", "--out", "o") == 1
    (found,) = verdicts(tmp_path / "o")
    assert found["outcome"] == "wrong"
    assert found["metrics"]["cosine"] < 0.95


def test_all_int8_without_mcpu_runs_into_noise_or_a_pool(
    trace_quantize: Command, tmp_path: Path
) -> None:
    trace_quantize(
        "--model", "tiny", "--dtype", "int8", "--mcpu", "none", "--quantize-opt-level", "3",
        "--no-reference", "--out", "o",
    )  # fmt: skip
    (found,) = verdicts(tmp_path / "o")
    assert (found["outcome"], found["stage"]) == ("rejected", "lower")
    assert "ivide by zero" in found["message"]
    assert found["op"]["name"] == "nn.global_avg_pool2d"


def test_a_crash_names_pass_and_signal(
    trace_quantize: Command, tmp_path: Path, trouble: str
) -> None:
    assert trace_quantize("--model", f"{trouble}:crash", "--dtype", "int8", "--out", "o") == 1
    found = verdicts(tmp_path / "o")[0]
    assert (found["outcome"], found["pass"]) == ("crashed", "QuantizeAnnotate")
    assert "SIGSEGV" in found["message"]
    # Each experiment ran in a process of its own: the op is known, and what else would die.
    assert (found["op"]["name"], found["confidence"]) == ("nn.conv2d", "exact")
    recorded = reader.load(tmp_path / "o" / "traces" / "int8")
    failing = recorded.failing_snapshot()
    assert failing is not None and recorded.map is not None and recorded.investigated
    # It dies at TVM's own default too, so the dtypes are not to blame.
    said = {failing.nodes[row].op: why for row, why in recorded.map.unjudged}
    assert list(said) == ["nn.conv2d"] and "at TVM's default too" in said["nn.conv2d"]
    assert len(recorded.map.accepted) == 6 and found["knob"] is None
    # The planted rule is not in a fresh process, so the module alone does not crash there.
    assert found["reproducer"] is None and "raises nothing" in found["reproducer_note"]
    assert "raises nothing" in (tmp_path / "o" / "index.html").read_text()


def test_a_hang_is_timed_out(trace_quantize: Command, tmp_path: Path, trouble: str) -> None:
    code = trace_quantize(
        "--model", f"{trouble}:hang", "--dtype", "int4", "--timeout", "20", "--no-reference",
        "--out", "o",
    )  # fmt: skip
    assert code == 1
    (found,) = verdicts(tmp_path / "o")
    assert (found["outcome"], found["pass"]) == ("timed out", "QuantizeAnnotate")


def test_too_much_memory_is_a_crash_with_a_reason(
    trace_quantize: Command, tmp_path: Path, trouble: str
) -> None:
    code = trace_quantize(
        "--model", f"{trouble}:eat", "--dtype", "int4", "--memory-limit", "2", "--no-reference",
        "--out", "o",
    )  # fmt: skip
    assert code == 1
    (found,) = verdicts(tmp_path / "o")
    assert found["outcome"] == "crashed" and "out of memory" in found["message"]


def test_a_model_without_anything_to_quantize(
    trace_quantize: Command, tmp_path: Path, trouble: str
) -> None:
    code = trace_quantize(
        "--model", f"{trouble}:dense", "--dtype", "int8/int8/int32", "--no-reference", "--out", "o"
    )
    assert code == 1
    (found,) = verdicts(tmp_path / "o")
    assert found["outcome"] == "not quantized"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dtype", "int"], "not a configuration"),
        (["--dtype", "int4", "--input-shape", "a"], "--input-shape"),
        (["--dtype", "int4", "--weights", "w.pt", "--model", "tiny"], "--weights is for"),
        (["--dtype", "int4:pipeline=target"], "is for --tvm relax"),
        (["--dtype", "int4", "--model", "tiny", "--calibrate-on", "no.npz"], "no.npz"),
        (["--dtype", "int4", "--model", "onnx:none.onnx"], "no model file"),
        (["--dtype", "int4", "--model", "torsh:x"], "unknown model source"),
        (["--dtype", "int4", "--model", "torchvision:nothing"], "no model 'nothing'"),
        (["--dtype", "int4", "--model", "py:trouble.py:nonsense"], "must return (mod, params)"),
        (["--dtype", "int4", "--model", "py:trouble.py:none"], "cannot call none"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    trace_quantize: Command,
    trouble: str,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    assert trace_quantize(*arguments) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ") and said in error


def test_a_run_is_never_overwritten(trace_quantize: Command, tmp_path: Path) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "mine.txt").write_text("precious")
    assert trace_quantize("--model", "tiny", "--dtype", "int4", "--out", "o") == 2
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["mine.txt"]


def test_a_python_without_tvm_is_a_set_up_error(trace_quantize: Command) -> None:
    assert trace_quantize("--dtype", "int4", "--tvm-python", sys.executable) == 3


def test_somebodys_own_tvm_and_relay_text(
    trace_quantize: Command, tmp_path: Path, relay: Toolchain
) -> None:
    (tmp_path / "net.relay").write_text(
        "def @main(%x: Tensor[(1, 8, 8, 8), float32]) {\n"
        '  %0 = ones(shape=[8, 8, 3, 3], dtype="float32");\n'
        "  %1 = nn.conv2d(%x, %0, padding=[1, 1, 1, 1]);\n"
        "  nn.conv2d(nn.relu(%1), %0, padding=[1, 1, 1, 1])\n"
        "}\n"
    )
    code = trace_quantize(
        "--model", "relay:net.relay", "--dtype", "int2", "--no-reference", "--out", "o",
        "--tvm-python", str(relay.python),
    )  # fmt: skip
    assert code == 1
    (found,) = verdicts(tmp_path / "o")
    assert found["toolchain"] == str(relay.python)
    assert found["outcome"] == "rejected"


def test_ctrl_c_leaves_a_readable_run(tmp_path: Path, relay: Toolchain) -> None:
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "trace_quantize.py"), "--model", "tiny",
         "--dtype", "int8/int8/int32", "--out", "o"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    journal = tmp_path / "o" / "traces" / "int8_int8_int32" / "journal.jsonl"
    for _ in range(600):
        if journal.exists() and b"FoldConstant" in journal.read_bytes():
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    (found,) = verdicts(tmp_path / "o")
    assert found["outcome"] == "interrupted"
    assert (tmp_path / "o" / "index.html").exists()
    assert reader.load(journal.parent).pass_runs


@pytest.mark.slow
def test_resnet50_at_int4_is_thrown_from_where_the_assignments_own_lines_throw(
    trace_quantize: Command, tmp_path: Path, relay: Toolchain, browser: Any
) -> None:
    words = ["--dtype", "int4,int8/int8/int32", "--no-reference", "--check-on", "natural:2"]
    code = trace_quantize("--model", "torchvision:resnet50", *words, "--out", "o")
    assert code == 1
    found, _ = verdicts(tmp_path / "o")
    assert (found["pass"], found["op"]["name"]) == ("QuantizeRealize", "simulated_quantize")
    assert (found["op"]["index"], found["confidence"]) == (10, "exact")
    assert reader.load(tmp_path / "o/traces/int4").facts.quantized_at == 2
    assert found["message"] == "unknown data type int4"
    script = Path(__file__).parent.parent / "support" / "scripts" / "assignment_script.py"
    words = [str(relay.python), str(script), "int4"]
    said = subprocess.run(words, env=relay.environment, capture_output=True, text=True, check=True)
    thrown = tvm_error.read(said.stdout)
    assert thrown.message == found["message"] and thrown.site is not None
    assert found["site"] == msgspec.to_builtins(thrown.site) and found["via"] == thrown.via
    assert not any("AddRealize" in name for name in thrown.via)
    for keyboard in (True, False):
        walk = Walk(browser, tmp_path / "o" / "index.html", keyboard)
        walk.all_of_it("QuantizeRealize", 10, "simulated_quantize")
        assert walk.tab.complaints == []


@pytest.mark.slow
def test_the_level_that_quantize_runs_at_decides_which_op_is_blamed(
    trace_quantize: Command, tmp_path: Path
) -> None:
    """At the default, 2, it is the quantization step: see the test before."""
    words = ["--model", "torchvision:resnet18", "--dtype", "int4", "--no-reference"]
    assert trace_quantize(*words, "--quantize-opt-level", "3", "--out", "o") == 1
    (found,) = verdicts(tmp_path / "o")
    assert (found["op"]["name"], found["op"]["index"]) == ("add", 9)
    assert reader.load(tmp_path / "o/traces/int4").facts.quantized_at == 3


@pytest.mark.slow
def test_a_net_of_torchvision_is_timed_in_pytorch_too(
    trace_quantize: Command, tmp_path: Path
) -> None:
    words = ["--model", "torchvision:alexnet", "--input-shape", "1,3,64,64", "--rounds", "2"]
    assert trace_quantize(*words, "--dtype", "int8/int8/int32", "--out", "o") == 0
    facts = json.loads((tmp_path / "o" / "run.json").read_text())
    assert set(facts["float"]["latency_ms"]) == {"tvm", "torch"}
