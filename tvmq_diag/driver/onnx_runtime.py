"""What ONNX Runtime makes of a model, where it is installed: a reference for nets that arrive
quantized, of which there is no float model. It runs in a process of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from ..measurements import outputs as kept_outputs
from ..measurements.metrics import Metrics
from ..measurements.outputs import Outputs, load
from ..trace import layout
from ..trace.trace import Trace
from .plan import Observer

_RUN = """
import re, sys
import numpy, onnxruntime
model, inputs, out = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
options.log_severity_level = 4
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
with numpy.load(inputs) as saved:
    given = {name: saved[name] for name in saved.files}
names = [value.name for value in session.get_inputs()]
given = {name: given[name if name in given else re.sub(r"\\W", "_", name)] for name in names}
count = len(next(iter(given.values())))
results = [session.run(None, {n: v[i] for n, v in given.items()}) for i in range(count)]
arrays = {f"output{i}": numpy.stack(values) for i, values in enumerate(zip(*results))}
numpy.savez(out, **arrays)
"""
# Nothing is optimised: its fusions round elsewhere than the graph says. Relax's importer writes
# names as identifiers.

SECONDS = 600.0


class CannotRun(Exception):
    """ONNX Runtime does not run a model; the text says why, on one line."""


def installed() -> bool:
    """Is there an ONNX Runtime in this interpreter?"""
    return importlib.util.find_spec("onnxruntime") is not None


def compared(
    source: str, trace: Trace, scratch: Path, observer: Observer
) -> tuple[Metrics | None, str]:
    """The outputs of a compile against ONNX Runtime's, and its name; or None, and why not."""
    kind, _, file = source.partition(":")
    if kind != "onnx":
        return None, "only ONNX models are run elsewhere too, in ONNX Runtime"
    if not installed():
        return None, "ONNX Runtime is not installed (the extra onnx)"
    observer.begin("the same in ONNX Runtime")
    try:
        theirs = outputs(Path(file), trace.path / layout.INPUTS, scratch)
    except CannotRun as error:
        return None, f"ONNX Runtime does not run it ({error})"
    try:
        return kept_outputs.compare(kept_outputs.of_trace(trace), theirs), "ONNX Runtime"
    except (OSError, ValueError):
        return None, "ONNX Runtime gives outputs of other shapes"


def outputs(model: Path, inputs: Path, scratch: Path) -> Outputs:
    """Its outputs on the inputs in an .npz, each [inputs, *shape]. Raises CannotRun."""
    out = scratch / "onnxruntime.npz"
    words = [sys.executable, "-c", _RUN, str(model), str(inputs), str(out)]
    try:
        done = subprocess.run(
            words, capture_output=True, timeout=SECONDS, check=False, text=True, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotRun(str(error)[:300]) from error
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise CannotRun(lines[-1][:300] if lines else f"exit code {done.returncode}")
    try:
        return load(out)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise CannotRun(f"its outputs cannot be read: {error}"[:300]) from error
