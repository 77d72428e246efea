"""A script of somebody's own: `own_script.py WHAT` does something with TVM and with itself."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

import tvm
from tvm import relay


def convolution() -> tvm.IRModule:
    data, weight = relay.var("data", shape=(1, 8, 4, 4)), relay.var("weight", shape=(4, 8, 3, 3))
    call = relay.nn.conv2d(relay.nn.relu(data), weight, channels=4, kernel_size=(3, 3))
    return tvm.IRModule.from_expr(call)


def convert(layout: str = "NHWC3") -> None:
    """ConvertLayout takes the layouts that it is to make: by its name alone it cannot be had."""
    to = relay.transform.ConvertLayout({"nn.conv2d": [layout, "default"]})
    with tvm.transform.PassContext(opt_level=3):
        tvm.transform.Sequential([relay.transform.InferType(), to])(convolution())


@tvm.transform.module_pass(opt_level=0, name="Deadly")
def deadly(module: tvm.IRModule, context: object) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


if __name__ == "__main__":
    print("arguments", sys.argv, "beside", sys.path[0], "in", Path.cwd())
    what = sys.argv[1] if sys.argv[1:] else ""
    if what == "convert":
        convert()
    if what == "caught":
        with contextlib.suppress(ValueError):
            convert()
        raise RuntimeError("mine, of no pass")
    if what == "dies":
        deadly(convolution())
    if what == "exit":
        relay.transform.FoldConstant()(convolution())
        sys.exit(3)
    relay.transform.FoldConstant()(convolution())
