"""Nets of many kinds on Relax, from the command line: quantized, or left with a true reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tvmq_diag.analysis import coverage
from tvmq_diag.trace import reader

Command = Callable[..., int]

NETS = """
import numpy as np
import tvm
from tvm import relax
op = relax.op

def weight(*shape, dtype="float32"):
    return relax.const(np.random.default_rng(sum(shape)).normal(0, 0.2, shape).astype(dtype))

def net(shape, first, second, dtype="float32"):
    x = relax.Var("data", relax.TensorType(shape, dtype))
    builder = relax.BlockBuilder()
    with builder.function("main", [x]):
        with builder.dataflow():
            middle = builder.emit(op.nn.relu(builder.emit(first(x))))
            result = builder.emit_output(second(middle))
        builder.emit_func_output(result)
    return builder.get(), {}

def conv(*shape, dtype="float32", **more):
    return lambda x: op.nn.conv2d(x, weight(*shape, dtype=dtype), padding=1, **more)

def half():
    first, second = (conv(8, c, 3, 3, dtype="float16") for c in (3, 8))
    return net((1, 3, 12, 12), first, second, "float16")

def batch():
    shape = (tvm.tirx.Var("n", "int64"), 3, 12, 12)
    return net(shape, conv(8, 3, 3, 3), conv(8, 8, 3, 3))

def depthwise():
    return net((1, 4, 12, 12), conv(8, 1, 3, 3, groups=4), conv(8, 8, 3, 3))

def transpose():
    last = lambda x: op.nn.conv2d_transpose(x, weight(8, 4, 2, 2), strides=2)
    return net((1, 3, 12, 12), conv(8, 3, 3, 3), last)

def conv1d():
    first, second = (lambda x, c=c: op.nn.conv1d(x, weight(8, c, 3), padding=1) for c in (3, 8))
    return net((1, 3, 32), first, second)
"""


@pytest.mark.parametrize(
    ("name", "shape", "ops", "left"),
    [
        ("half", None, {"int8": 2}, None),
        ("batch", "2,3,12,12", {"int8": 2}, None),
        ("depthwise", None, {"int8": 2}, None),
        ("transpose", None, {"int8": 1, "float32": 1}, "nn.conv2d_transpose"),
        ("conv1d", None, {"float32": 2}, "nn.conv1d"),
    ],
)
def test_it_is_quantized_or_left_with_a_reason(
    trace_quantize: Command, name: str, shape: str | None, ops: dict[str, int], left: str | None
) -> None:
    Path("nets.py").write_text(NETS)
    code = trace_quantize(
        "--tvm", "relax", "--model", f"py:nets.py:{name}", "--no-reference", "--out", "o",
        "--dtype", "int8:pipeline=default", *(("--input-shape", shape) if shape else ()),
    )  # fmt: skip
    (verdict,) = json.loads(Path("o/verdict.json").read_text())
    covered = coverage.coverage(
        reader.load(Path("o/traces/int8_int8_int32_pipeline=default")),
    )
    assert covered.stages[-1].ops == ops
    rule = {f"the quantizer has no rule for {left}"} if left else set()
    assert {op.reason for op in covered.unquantized} == rule
    if "int8" in ops:
        assert code == 0 and verdict["metrics"]["cosine"] > 0.99
    else:
        assert code == 1 and verdict["outcome"] == "not quantized"
        assert verdict["reason"] == f"2 ops: the quantizer has no rule for {left}"


def test_an_open_batch_is_asked_for_and_qdq_is_judged_by_its_numbers(
    trace_quantize: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("nets.py").write_text(NETS)
    common = ("--tvm", "relax", "--no-reference", "--dtype", "int8:realize=qdq:pipeline=default")
    assert trace_quantize(*common, "--model", "py:nets.py:batch", "--out", "a") == 2
    assert "--input-shape 'data=1,3,12,12'" in capsys.readouterr().err
    assert trace_quantize(*common, "--model", "py:nets.py:half", "--out", "b") == 0
    (verdict,) = json.loads(Path("b/verdict.json").read_text())
    assert verdict["outcome"] == "works" and verdict["metrics"]["cosine"] > 0.99
    assert verdict["reason"].startswith("realize=qdq: it computes in float, on values that were")
