"""Run a compiled model: its outputs, whether they repeat, and how long it takes (ms)."""

from __future__ import annotations

import time
from typing import Any, Callable

import numpy as np
import tvm
from tvm.contrib import graph_executor

ROUNDS = 20
"""Timed runs, after a warm-up; fewer when a run is slow, see `_rounds`."""


def executor(library: Any, inputs: dict[str, np.ndarray]) -> Any:
    """A graph executor on the CPU with the inputs set."""
    module = graph_executor.GraphModule(library["default"](tvm.cpu()))
    for name, value in inputs.items():
        module.set_input(name, value)
    return module


def outputs(module: Any) -> list[np.ndarray]:
    """Run once; a copy of every output."""
    module.run()
    return [module.get_output(i).numpy() for i in range(module.get_num_outputs())]


def repeats(
    library: Any, module: Any, inputs: dict[str, np.ndarray], first: list[np.ndarray]
) -> bool:
    """Does it give the same bits again, in the same executor and in a new one?

    TVM runs a bool ResNet with a different answer each time: it reads what it did not write.
    """
    again = outputs(module), outputs(executor(library, inputs))
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for other in again
        for a, b in zip(first, other)
    )


def latency(module: Any) -> list[float]:
    """Milliseconds of each timed run of the executor, by TVM's own clock."""
    began = time.perf_counter()
    module.run()
    rounds = _rounds(time.perf_counter() - began)
    timer = module.module.time_evaluator("run", tvm.cpu(), number=1, repeat=rounds)
    return [float(seconds) * 1e3 for seconds in timer().results]


def eager_latency(net: Any, inputs: dict[str, np.ndarray]) -> list[float]:
    """Milliseconds of each run of a PyTorch module on the same inputs."""
    import torch

    tensors = [torch.from_numpy(value) for value in inputs.values()]
    with torch.no_grad():
        return _timed(lambda: net(*tensors))


def _timed(run: Callable[[], Any]) -> list[float]:
    run()
    began = time.perf_counter()
    run()
    times = []
    for _ in range(_rounds(time.perf_counter() - began)):
        began = time.perf_counter()
        run()
        times.append((time.perf_counter() - began) * 1e3)
    return times


def _rounds(seconds: float) -> int:
    """As many runs as fit into about ten seconds, between 3 and ROUNDS."""
    return int(min(ROUNDS, max(3, 10.0 / max(seconds, 1e-6))))
