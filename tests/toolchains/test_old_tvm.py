"""TVM 0.9: the same command, on a TVM with fewer functions and other errors."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tvmq_diag.commands import cli
from tvmq_diag.commands import trace as trace_command
from tvmq_diag.instruments.inputs import target
from tvmq_diag.toolchains import resolution

ZEN4 = {
    "amd", "avx2", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512_vnni",
    "avx512_vbmi2", "avx512_bf16", "bmi2", "f16c", "fma", "movbe", "popcnt", "sse4_2",
}  # fmt: skip


@pytest.mark.parametrize(
    ("llvm", "flags", "cpu"),
    [
        (17, ZEN4, "znver4"),
        (14, ZEN4, "cascadelake"),
        (14, {"avx2", "fma", "bmi2", "movbe", "f16c"}, "x86-64-v3"),
        (11, {"sse4_2", "popcnt"}, None),
        (0, ZEN4, None),
    ],
)
def test_the_cpu_is_one_that_llvm_knows(llvm: int, flags: set[str], cpu: str | None) -> None:
    """TVM 0.9's LLVM 14 ends the process at the name of a processor that is younger."""
    assert target.best_match(flags, llvm) == cpu


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of TVM 0.9; $TVMQ_OLD_PYTHON is another one to try."""
    own = os.environ.get("TVMQ_OLD_PYTHON")
    return Path(own) if own else resolution.resolve("relay-0.9", echo=print).python


def traced(python: Path, folder: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    """The verdicts on the tiny model, by configuration."""
    common = ["--tvm-python", str(python), "--model", "tiny", "--no-reference"]
    assert cli.script(trace_command, [*common, "--out", str(folder), *arguments]) == 1
    verdicts = json.loads((folder / "verdict.json").read_text())
    return {verdict["configuration"]: verdict for verdict in verdicts}


@pytest.mark.slow
def test_verdicts_are_those_of_a_newer_one(python: Path, tmp_path: Path) -> None:
    """With an int8 convolution that x86 rewrites from SSE 4.2 on, on any processor."""
    wrong = "int4/int4/int32", "int8/int8/int32"
    asked = ["--mcpu", "x86-64-v2", "--dtype", ",".join(["int4", *wrong])]
    found = traced(python, tmp_path / "o", *asked)
    int4 = found["int4"]
    assert (int4["outcome"], int4["pass"]) == ("rejected", "QuantizeRealize")
    assert (int4["op"]["name"], int4["confidence"]) == ("simulated_quantize", "exact")
    assert int4["knob"] == "dtype_activation"
    assert int4["message"] == "unknown data type int4"
    assert int4["site"]["function"] == "tvm::relay::MakeConstantScalar<int>"
    assert int4["reason"]
    written = tmp_path / "o" / int4["reproducer"]
    done = subprocess.run([python, written], capture_output=True, text=True, check=False)
    assert done.stderr.rstrip().endswith("unknown data type int4")
    # It builds and runs, which newer ones do not; and that rewrite adds where it should subtract
    # (python/tvm/topi/generic/conv2d.py, conv2d_alter_int8_common).
    assert [found[name]["outcome"] for name in wrong] == ["wrong", "wrong"]


@pytest.mark.slow
def test_a_python_error_inside_cpp_names_its_line(python: Path, tmp_path: Path) -> None:
    default, diverging = "int8/int8/int32", "int8/int8/int32:calibrate_mode=kl_divergence"
    more = ["--mcpu", "none", "--calibrate-on", "random:2", "--dtype", f"{default},{diverging}"]
    found = traced(python, tmp_path / "o", *more)
    assert found[default]["outcome"] == "works"  # no convolution is rewritten
    assert found[diverging]["pass"] == "QuantizeCalibrate"
    assert found[diverging]["site"]["file"] == "tvm/relay/quantize/_calibrate.py"
