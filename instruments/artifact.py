"""A compiled model on disk, and back: the graph, its weights, inputs, and the code as LLVM IR.

The IR is compiled when it is loaded (half a second for a ResNet), so that no linker is needed, on
this machine or on the one that an RPC server runs on. It is what was built: the outputs are equal
to the last bit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tvm
from tvm import relay
from tvm.contrib import graph_executor

GRAPH, WEIGHTS, INPUTS, CODE = "graph.json", "params.bin", "inputs.bin", "lib.ll"


def save(library: Any, inputs: dict[str, np.ndarray], folder: Path) -> None:
    """Write what relay.build returned, and the inputs to run it with, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(relay.save_param_dict(library.get_params()))
    given = {name: tvm.nd.array(value) for name, value in inputs.items()}
    (folder / INPUTS).write_bytes(relay.save_param_dict(given))
    library.get_lib().save(str(folder / CODE), "ll")
    (folder / GRAPH).write_text(library.get_graph_json(), encoding="utf-8")  # last: all is there


class Artifact:
    """A saved model. `device` and `remote` (an RPC session) say where it is to run."""

    def __init__(self, folder: Path, device: Any = None, remote: Any = None) -> None:
        self.graph = (folder / GRAPH).read_text(encoding="utf-8")
        self.weights = (folder / WEIGHTS).read_bytes()
        self.inputs = dict(relay.load_param_dict((folder / INPUTS).read_bytes()))
        self.device = device or (remote.cpu() if remote else tvm.cpu())
        code = str(folder / CODE)
        if remote is None:
            self.code = tvm.runtime.load_module(code)
        else:
            name = f"{folder.name}-{CODE}"
            remote.upload(code, name)
            # As remote.load_module() does, which the TVM of hhb-tvm calls with two arguments more.
            self.code = remote.get_function("tvm.rpc.server.load_module")(name)

    def executor(self) -> Any:
        """A graph executor with weights and inputs set."""
        executor = graph_executor.create(self.graph, self.code, self.device)
        executor.load_params(self.weights)
        for name, value in self.inputs.items():
            executor.set_input(name, value)
        return executor

    def profiler(self) -> Any:
        """A debug executor: it times kernel by kernel."""
        from tvm.contrib.debugger import debug_executor

        executor = debug_executor.create(self.graph, self.code, self.device)
        executor.load_params(self.weights)
        for name, value in self.inputs.items():
            executor.set_input(name, value)
        return executor
