"""Small nets in narrow dtypes, and what a replay says of them. Runs in a TVM with Relax."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import tvm
from tvm import relax

from instruments import sandbox as isolate
from instruments.diagnosis.reduction import NotSliceable, Part
from instruments.diagnosis.signature import signature
from instruments.recording.open_pass import OpenPass
from instruments.relax import cases, passes, quantizer
from instruments.relax.diagnose import replay, reproducer, survey
from instruments.relax.ir import parts
from instruments.relax.ir.op_table import nodes_of

HOST = tvm.target.Target({"kind": "llvm"})


def net(dtype, channels=8, layers=2):
    "Convolutions in a dtype, whose weights are constants cast to it, and a pooling."
    x = relax.Var("x", cases.tensor((1, channels, 8, 8), "float32"))

    def body(emit):
        data = emit(relax.op.astype(x, dtype))
        for _ in range(layers):
            weight = relax.const(np.ones((channels, channels, 3, 3), "float32"))
            cast = emit(relax.op.astype(weight, dtype))
            made = emit(relax.op.nn.conv2d(data, cast, padding=(1, 1), out_dtype="int32"))
            data = emit(relax.op.astype(emit(relax.op.nn.relu(made)), dtype))
        pooled = emit(relax.op.nn.max_pool2d(data, (2, 2), (2, 2)))
        return emit(relax.op.astype(pooled, "float32"))

    return cases.built([x], body)


def calibrated(config):
    x = relax.Var("x", cases.tensor((1, 8, 8, 8), "float32"))

    def body(emit):
        data = x
        for seed in range(3):
            weight = np.random.default_rng(seed).normal(size=(8, 8, 3, 3)).astype("float32")
            made = emit(relax.op.nn.conv2d(data, relax.const(weight), padding=(1, 1)))
            data = emit(relax.op.nn.relu(made))
        return data

    with config:
        return quantizer.calibrate(config)(quantizer.annotate(config)(cases.built([x], body)))


def qdq(*dtypes):
    return quantizer.QConfig(*dtypes, realize="qdq", calibrate_mode="global_scale")


def path(name, module):
    return [OpenPass(1, "sequential", "lower", module, 1), OpenPass(2, name, "lower", module, 1)]


def thrown(attempt, module):
    try:
        attempt(module)
    except Exception as error:
        return error
    raise SystemExit("it does not fail")


def blamed(name, module, error=None, wrap=lambda attempt: attempt):
    error = error or thrown(passes.by_name(name, HOST), module)
    found = replay.blame(path(name, module), error, HOST, wrap)
    node = nodes_of(module)[found.row]
    assert node.same_as(parts.Parts(module).calls[found.index])
    return found, error
