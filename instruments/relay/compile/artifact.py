"""A compiled model on disk, and back: the graph, its weights, inputs, and the code as LLVM IR.

The IR is compiled when it is loaded (half a second for a ResNet), so that no linker is needed, on
this machine or on the one that an RPC server runs on. It is what was built: the outputs are equal
to the last bit.
"""

from __future__ import annotations

import functools
import json
import statistics
from pathlib import Path
from typing import Any, Callable, Mapping

import numpy as np
import tvm
from tvm import relay
from tvm.contrib import graph_executor

from ...numerics.figures import same_bits
from ...tvm_types import Library
from . import execution

GRAPH, WEIGHTS, INPUTS, CODE = "graph.json", "params.bin", "inputs.bin", "lib.ll"


def save(library: Library, inputs: dict[str, np.ndarray], folder: Path) -> int:
    """Write what relay.build returned, and the inputs to run it with, into a folder.

    How many bytes the file has that holds its weights and other constants.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(relay.save_param_dict(library.get_params()))
    given = {name: tvm.nd.array(value) for name, value in inputs.items()}
    (folder / INPUTS).write_bytes(relay.save_param_dict(given))
    library.get_lib().save(str(folder / CODE), "ll")
    (folder / GRAPH).write_text(library.get_graph_json(), encoding="utf-8")  # last: all is there
    return (folder / WEIGHTS).stat().st_size


class Artifact:
    """A saved model, to be run here or in an RPC session."""

    def __init__(self, folder: Path, remote: Any = None) -> None:
        self._graph = (folder / GRAPH).read_text(encoding="utf-8")
        self._weights = (folder / WEIGHTS).read_bytes()
        self._inputs = dict(relay.load_param_dict((folder / INPUTS).read_bytes()))
        self._device = remote.cpu() if remote else tvm.cpu()
        code = str(folder / CODE)
        if remote is None:
            self._code = tvm.runtime.load_module(code)
        else:
            name = f"{folder.name}-{CODE}"
            remote.upload(code, name)
            # As remote.load_module() does, which the TVM of hhb-tvm calls with two arguments more.
            self._code = remote.get_function("tvm.rpc.server.load_module")(name)

    def outputs(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Run once; a copy of every output."""
        return execution.outputs(self._executor, inputs)

    def repeats(self, first: list[np.ndarray]) -> bool:
        """Are these the outputs again, in the same executor and in a new one?"""
        inputs = {name: value.numpy() for name, value in self._inputs.items()}
        again = execution.outputs(self._executor, inputs), execution.outputs(self._created())
        return all(same_bits(first, other) for other in again)

    @functools.cached_property
    def _executor(self) -> Any:
        return self._created()

    def _created(self) -> Any:
        return self._filled(graph_executor.create(self._graph, self._code, self._device))

    def timer(self, runs: int) -> Callable[[], float]:
        """A function that runs it so often, after one run before the clock starts; ms a run."""
        timed = self._created().module.time_evaluator("run", self._device, number=runs, repeat=1)
        return lambda: float(timed().mean) * 1e3

    def kernels(self, runs: int) -> list[dict[str, Any]]:
        """Each kernel in running order: name, ms (median of the runs), argument shapes."""
        from tvm.contrib.debugger import debug_executor

        executor = self._filled(debug_executor.create(self._graph, self._code, self._device))
        try:
            executor.profile()  # warms up
            profiled = [json.loads(executor.profile().json())["calls"] for _ in range(runs)]
        finally:
            executor.exit()  # removes a folder that it makes
        return [
            {
                "name": calls[0]["Name"]["string"],
                "ms": statistics.median(c["Duration (us)"]["microseconds"] for c in calls) / 1e3,
                "shapes": calls[0].get("Argument Shapes", {}).get("string", ""),
            }
            for calls in zip(*profiled)
        ]

    def _filled(self, executor: Any) -> Any:
        executor.load_params(self._weights)
        for name, value in self._inputs.items():
            executor.set_input(name, value)
        return executor
