"""What ONNX Runtime makes of a model, where it is installed: a reference for nets that arrive
quantized, of which there is no float model. It runs in a process of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from ..measurements.outputs import Outputs, load

_RUN = """
import sys
import numpy, onnxruntime
model, inputs, out = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
with numpy.load(inputs) as saved:
    given = {name: saved[name] for name in saved.files}
count = len(next(iter(given.values())))
results = [session.run(None, {n: v[i] for n, v in given.items()}) for i in range(count)]
arrays = {f"output{i}": numpy.stack(values) for i, values in enumerate(zip(*results))}
numpy.savez(out, **arrays)
"""
# Nothing is optimised: its fusions round elsewhere than the graph says.

SECONDS = 600.0


def installed() -> bool:
    """Is there an ONNX Runtime in this interpreter?"""
    return importlib.util.find_spec("onnxruntime") is not None


def outputs(model: Path, inputs: Path, scratch: Path) -> Outputs | None:
    """Its outputs on the inputs in an .npz, each [inputs, *shape]; None where it cannot run it."""
    out = scratch / "onnxruntime.npz"
    words = [sys.executable, "-c", _RUN, str(model), str(inputs), str(out)]
    try:
        done = subprocess.run(words, capture_output=True, timeout=SECONDS, check=False)
        if done.returncode:
            return None
        return load(out)
    except (OSError, ValueError, KeyError, IndexError, subprocess.TimeoutExpired):
        return None
