"""Nets that arrive quantized, from the command line, on the real TVM: judged as they are, after
FakeQuantizationToInteger, and refused where they are to be quantized once more."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.paths import InTvm

from tvmq_diag.analysis import coverage
from tvmq_diag.analysis.coverage import Coverage
from tvmq_diag.trace import reader

Command = Callable[..., int]

RELAY = """
import numpy as np
import tvm
from tvm import relay

def constant(value, dtype="float32"):
    return relay.const(np.asarray(value, dtype))

def qdq(data):
    zero = constant(0, "int32")
    quantized = relay.qnn.op.quantize(data, constant(0.03), zero, out_dtype="int8")
    return relay.qnn.op.dequantize(quantized, constant(0.03), zero)

def net():
    data = relay.var("data", shape=(1, 3, 8, 8))
    weight = constant(np.random.default_rng(0).normal(0, 0.1, (4, 3, 3, 3)))
    conv = relay.nn.conv2d(qdq(data), qdq(weight), channels=4, kernel_size=(3, 3))
    return tvm.IRModule.from_expr(relay.Function([data], qdq(conv))), {}

def dynamic():
    '''As DynamicQuantizeLinear and MatMulInteger are imported: what is quantized is cast back.'''
    data = relay.var("data", shape=(4, 32))
    scale = relay.max(relay.abs(data)) / constant(127.0)
    quantized = relay.qnn.op.quantize(data, scale, constant(0, "int32"), out_dtype="int8")
    weight = constant(np.random.default_rng(0).normal(0, 0.1, (10, 32)))
    y = relay.nn.dense(relay.cast(quantized, "float32"), weight) * scale
    return tvm.IRModule.from_expr(relay.Function([data], y)), {}
"""


@pytest.fixture(scope="module")
def folder(in_tvm: InTvm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quantized")
    kinds = "".join(f"; quantized_files.write_{kind}(p)" for kind in ("onnx", "tflite", "torch"))
    start = f"import quantized_files; from pathlib import Path; p = Path({str(folder)!r})"
    done = in_tvm(start + kinds)
    assert done.returncode == 0, done.stderr[-2000:]
    (folder / "nets.py").write_text(RELAY)
    return folder


def verdicts(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "verdict.json").read_text())
    return found


def covered(out: Path, slug: str) -> Coverage:
    return coverage.coverage(reader.load(out / "traces" / slug))


def test_qdq_onnx_is_compared_with_onnx_runtime_and_the_islands_are_named(
    trace_quantize: Command, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it is, all computes in float; folded, what stands before the LRN is int8."""
    code = trace_quantize(
        "--model", f"onnx:{folder}/stopped.onnx", "--dtype", "as-is,as-is:fq2i",
        "--no-reference", "--out", "o",
    )  # fmt: skip
    found = verdicts(Path("o"))
    assert code == 0 and [verdict["configuration"] for verdict in found] == ["as-is", "as-is:fq2i"]
    for verdict in found:
        assert verdict["outcome"] == "works" and verdict["against"] == "ONNX Runtime"
        assert verdict["metrics"]["cosine"] > 0.999
    before, after = (covered(Path("o"), slug) for slug in ("as-is", "as-is_fq2i"))
    assert before.share == 0 and [op.op for op in before.unquantized] == ["nn.conv2d"] * 3
    assert {op.reason for op in before.unquantized} == {"it computes on dequantized values"}
    assert after.stages[-1].ops == {"int8": 1, "float32": 2}
    assert [op.reason for op in after.unquantized] == [
        "nn.lrn #7, read by the same qnn.quantize, has no rule",
        "no qnn.quantize reads what it makes",
    ]
    shown = " ".join(capsys.readouterr().out.split())
    assert "the fold stopped at nn.lrn #7 (FakeQuantizationToInteger has no rule for it)" in shown
    assert "try" not in shown, "what is offered was tried"
    assert "Against ONNX Runtime" in Path("o/index.html").read_text()


@pytest.mark.parametrize(
    ("model", "kernels"), [("tflite:quantized.tflite", 1), ("torch:quantized.pt", 4)]
)
def test_what_is_no_onnx_is_compared_with_nothing_and_folded_with_the_unfolded_model(
    trace_quantize: Command,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    model: str,
    kernels: int,
) -> None:
    monkeypatch.chdir(folder)
    code = trace_quantize(
        "--model", model, "--input-shape", "1,8,8,3" if kernels == 1 else "1,3,16,16",
        "--dtype", "as-is,as-is:fq2i", "--no-reference", "--out", str(tmp_path / "o"),
    )  # fmt: skip
    as_is, folded = verdicts(tmp_path / "o")
    assert code == 1 and as_is["outcome"] == "not judged" and as_is["metrics"] is None
    assert "only ONNX models" in as_is["message"]
    assert folded["outcome"] == "works" and folded["against"] == "the unfolded model"
    assert folded["metrics"]["cosine"] > 0.99
    (imported,) = covered(tmp_path / "o", "as-is").stages
    assert imported.ops["int8"] + imported.ops["uint8"] == kernels, "qnn operators count"


def test_one_that_arrives_quantized_is_not_quantized_on_top_unless_asked_for(
    trace_quantize: Command, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ("--model", f"py:{folder}/nets.py:net", "--no-reference")
    assert trace_quantize("--dtype", "int8/int8/int32", *model, "--out", "a") == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert "arrives quantized" in line and "--dtype as-is" in line and "--quantize-anyway" in line
    code = trace_quantize(
        "--dtype", "int8/int8/int32:skip_conv_layers=none", *model, "--quantize-anyway",
        "--out", "b",
    )  # fmt: skip
    (verdict,) = verdicts(Path("b"))
    assert code == 1 and (verdict["outcome"], verdict["pass"]) == ("rejected", "QuantizeCalibrate")


def test_what_is_imported_as_float_does_not_arrive_quantized(
    trace_quantize: Command, folder: Path
) -> None:
    """It may be quantized, and as it is nothing of it is."""
    model = ("--model", f"py:{folder}/nets.py:dynamic", "--no-reference")
    code = trace_quantize("--dtype", "as-is:fq2i,int8/int8/int32", *model, "--out", "o")
    folded, quantized = verdicts(Path("o"))
    assert code == 1 and folded["outcome"] == "not quantized"
    assert folded["message"].startswith("none of its operators reads quantized values")
    assert quantized["outcome"] == "not quantized", "dense is skipped by default"
    assert folded["suggestion"] is None, "it was tried, in vain"
    assert quantized["suggestion"].startswith("--dtype int8/int8/int32:skip_dense_layer=0: not tr")
