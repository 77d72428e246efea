"""Failing passes on Relax, each recorded into a folder of its own below argv[1]."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import tvm
from tvm import relax

from instruments import QuantizeTrace

TENSOR = getattr(relax, "TensorStructInfo", None) or relax.TensorType
FOLDER = Path(sys.argv[1])


def recorded(name, work):
    with contextlib.suppress(Exception), QuantizeTrace(FOLDER / name, dialect="relax"):
        work()


def convolution():
    builder = relax.BlockBuilder()
    data = relax.Var("data", TENSOR((1, 8, 4, 4), "float32"))
    weight = relax.Var("weight", TENSOR((4, 8, 3, 3), "float32"))
    with builder.function("main", [data, weight]):
        with builder.dataflow():
            value = builder.emit(relax.op.nn.relu(data))
            out = builder.emit_output(builder.emit(relax.op.nn.conv2d(value, weight)))
        builder.emit_func_output(out)
    return builder.get()


def convert():
    relax.transform.ConvertLayout({"relax.nn.conv2d": ["NHXC", "OHWI"]})(convolution())


@tvm.transform.module_pass(opt_level=0, name="Mine")
def no_convolution(module, context):
    for binding in module["main"].body.blocks[0].bindings:
        if binding.value.op.name == "relax.nn.conv2d":
            raise RuntimeError("no convolutions here")
    return module


def mine():
    tvm.transform.Sequential([relax.transform.Normalize(), no_convolution])(convolution())


if __name__ == "__main__":
    for work in (convert, mine):
        recorded(work.__name__, work)
