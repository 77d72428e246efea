"""What is not the dtype's fault, from the command line: files of PyTorch's, nodes that TVM does not
import, models that fail unquantized."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.paths import InTvm

Command = Callable[..., int]

SIGMOID = """
import numpy as np
import tvm
from tvm import relay

def net():
    x = relay.var("data", shape=(1, 3, 8, 8))
    scale, zero = relay.const(np.float32(0.05)), relay.const(128)
    quantized = relay.qnn.op.quantize(x, scale, zero, out_dtype="uint8")
    return tvm.IRModule.from_expr(relay.Function([x], relay.sigmoid(quantized))), {}
"""


def written(in_tvm: InTvm, folder: Path, kind: str) -> None:
    code = f"import model_files\nfrom pathlib import Path\nmodel_files.write_{kind}(Path())"
    done: subprocess.CompletedProcess[str] = in_tvm(f"import os; os.chdir({str(folder)!r})\n{code}")
    assert done.returncode == 0, done.stderr[-2000:]


def verdicts(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "verdict.json").read_text())
    return found


def test_a_refused_node_is_one_verdict_for_all_configurations(
    trace_quantize: Command, in_tvm: InTvm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(in_tvm, tmp_path, "onnx")
    model = ("--model", "onnx:strange.onnx", "--out", "o")
    assert trace_quantize("--dtype", "int4,int8/int8/int32", *model) == 1
    (verdict,) = verdicts(tmp_path / "o")
    assert (verdict["outcome"], verdict["stage"]) == ("not imported", "import")
    assert verdict["message"].startswith("ONNX node strange (NoSuchThing): ")
    assert verdict["knob"] is None and verdict["suggestion"] is None
    assert [folder.name for folder in (tmp_path / "o/traces").iterdir()] == ["int4"]
    shown = capsys.readouterr().out
    assert "the model is not imported" in shown and "--dtype" not in shown
    page = (tmp_path / "o/index.html").read_text()
    assert "the model is not imported" in page and "--dtype int8/int8/int32" not in page


@pytest.mark.slow
def test_a_traced_file_with_two_inputs_is_judged_on_the_same_data(
    trace_quantize: Command, in_tvm: InTvm, tmp_path: Path
) -> None:
    """The float model is read back from where the first process left it."""
    written(in_tvm, tmp_path, "torch")
    code = trace_quantize(
        "--model", "torch:trace.pt", "--input-shape", "data=1,3,16,16;mask=1,10",
        "--dtype", "int8/int8/int32", "--no-reference", "--out", "o",
    )  # fmt: skip
    (verdict,) = verdicts(tmp_path / "o")
    assert code == 0 and verdict["metrics"]["cosine"] > 0.99


def test_a_model_that_fails_unquantized_is_not_blamed_on_the_dtype(
    trace_quantize: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sigmoid.py").write_text(SIGMOID)
    code = trace_quantize(
        "--model", "py:sigmoid.py:net", "--dtype", "int8/int8/int32", "--quantize-anyway",
        "--no-reference", "--out", "o",
    )  # fmt: skip
    assert code == 1
    (verdict,) = verdicts(tmp_path / "o")
    assert (verdict["outcome"], verdict["stage"]) == ("rejected", "codegen")
    assert verdict["float_fails"] and verdict["reason"].startswith("the float model fails likewise")
    assert verdict["knob"] is None and verdict["suggestion"] is None
    first = capsys.readouterr().out.split("✗", 1)[1].splitlines()[:4]
    assert any("the float model fails likewise" in line for line in first), first
