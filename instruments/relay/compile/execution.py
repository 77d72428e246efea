"""Run a compiled model: its outputs, and whether they repeat."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np
import tvm
from tvm.contrib import graph_executor

from ...numerics.figures import same_bits
from ...tvm_types import Library


def executor(library: Library, inputs: dict[str, np.ndarray]) -> Any:
    """A graph executor on the CPU with the inputs set."""
    module = graph_executor.GraphModule(library["default"](tvm.cpu()))
    for name, value in inputs.items():
        module.set_input(name, value)
    return module


def outputs(module: Any, inputs: Mapping[str, np.ndarray] = {}) -> list[np.ndarray]:
    """Run a graph executor once, on other inputs if any are given; a copy of every output."""
    for name, value in inputs.items():
        module.set_input(name, value)
    module.run()
    return [module.get_output(i).numpy() for i in range(module.get_num_outputs())]


def repeats(
    library: Library, module: Any, inputs: dict[str, np.ndarray], first: list[np.ndarray]
) -> bool:
    """Does it give the same bits again, in the same executor and in a new one?

    TVM runs a bool ResNet with a different answer each time: it reads what it did not write.
    """
    again = outputs(module, inputs), outputs(executor(library, inputs))
    return all(same_bits(first, other) for other in again)
