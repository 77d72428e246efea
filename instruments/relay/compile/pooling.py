"""What the last pooling of a compiled graph reads: numerics.pooling says what for.

Taken from the very artifact, in TVM's debug executor: it runs the nodes one by one and stops.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
import tvm
from tvm.contrib import graph_executor

from ...numerics.pooling import Axes, axes_of, by_channel
from ...tvm_types import Library


class Read(NamedTuple):
    """What a pooling reads: the node that writes it, its shape and dtype, and the axes pooled."""

    node: int
    shape: list[int]
    dtype: str
    axes: Axes


class LastPooling:
    """Of a compiled model."""

    def __init__(self, library: Library) -> None:
        self._read = _last(json.loads(library.get_graph_json()))
        if self._read is None:
            return
        # Not TVM's own class around it, which makes a folder for all the values it might be asked
        # for (python/tvm/contrib/debugger/debug_executor.py, _create_debug_env).
        module = library["debug_create"]("default", tvm.cpu())
        self._executor = graph_executor.GraphModule(module)
        self._run_to = module["debug_get_output"]

    def values(self, inputs: dict[str, np.ndarray]) -> np.ndarray | None:
        """For these inputs: float32, [channels, places]. None where nothing is pooled."""
        if self._read is None:
            return None
        for name, value in inputs.items():
            self._executor.set_input(name, value)
        tensor = tvm.nd.empty(self._read.shape, self._read.dtype)
        self._run_to(self._read.node, tensor)
        return by_channel(tensor.numpy(), self._read.axes)


def _last(graph: dict[str, Any]) -> Read | None:
    nodes, first = graph["nodes"], graph["node_row_ptr"]
    shapes, dtypes = graph["attrs"]["shape"][1], graph["attrs"]["dltype"][1]
    for number in reversed(range(len(nodes))):
        node = nodes[number]
        # Weights and inputs are no tvm_op: no kernel wrote them.
        reads = [one[:2] for one in node["inputs"] if nodes[one[0]]["op"] == "tvm_op"]
        for source, output in reads:
            entry = first[source] + output
            axes = axes_of(node["name"], shapes[entry], shapes[first[number]])
            if axes is not None:  # one that reads more is no plain pooling, and hides those before
                alone = len(reads) == 1 and output == 0
                return Read(source, shapes[entry], dtypes[entry], axes) if alone else None
    return None
