"""What float8 comes to on a CPU, on the real TVM: the facts behind the reason that is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.relax_scripts import said

from tvmq_diag.toolchains.toolchain import Toolchain

SCALAR = """
import json
import numpy as np, tvm
from tvm import relax
op = relax.op

def run(build):
    '''On one core and unvectorized, as TVM has it by itself.'''
    x = relax.Var("x", relax.TensorType((1, 4), "float32"))
    builder = relax.BlockBuilder()
    with builder.function("main", [x]):
        with builder.dataflow():
            result = builder.emit_output(build(builder.emit, x))
        builder.emit_func_output(result)
    executable = tvm.compile(builder.get(), target="llvm")
    values = tvm.runtime.tensor(np.array([[0, 3.4, -20, 100]], "float32"))
    return relax.VirtualMachine(executable, tvm.cpu())["main"](values).numpy()[0].tolist()

def cast(dtype):
    return run(lambda emit, x: op.astype(emit(op.astype(x, dtype)), "float32"))

def quantized(dtype):
    scale, zero = relax.const(np.float32(1)), relax.const(np.int8(0))
    stored = lambda emit, x: emit(op.quantize(x, scale, zero, -1, dtype))
    return run(lambda emit, x: op.dequantize(stored(emit, x), scale, zero, -1, "float32"))

print(json.dumps([[cast(d), quantized(d)] for d in ("float8_e4m3fn", "float8_e5m2")]))
"""


def test_unvectorized_a_zero_is_none_and_dequantize_reads_integers(relax: Toolchain) -> None:
    """With ml_dtypes 3.4 is 3.5 in both, and a zero 0."""
    (four, four_quantized), (five, five_quantized) = said(relax, SCALAR)
    assert four[0] == 2**-7 and five[0] == 2**-15
    assert four[1:] == [3.5, -20, 96] and five[1:] == [3.5, -20, 96]
    assert four_quantized[1] == five_quantized[1] == 3


def test_it_is_rejected_with_that_reason(trace_quantize: Callable[..., int]) -> None:
    code = trace_quantize(
        "--tvm", "relax", "--model", "tiny", "--no-reference", "--out", "o",
        "--dtype", "float8_e4m3fn:pipeline=default",
    )  # fmt: skip
    (verdict,) = json.loads(Path("o/verdict.json").read_text())
    shown: dict[str, Any] = verdict
    assert code == 1 and (shown["outcome"], shown["stage"]) == ("rejected", "codegen")
    assert shown["configuration"] == "float8_e4m3fn/float8_e4m3fn/float32:pipeline=default"
    assert shown["reason"].startswith("TVM converts float8 by branches")
