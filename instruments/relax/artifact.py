"""A compiled model on disk, and back: the machine with the weights, and the kernels as LLVM IR.

The IR is compiled when it is loaded, so that no linker is needed: TVM's own export_library wants a
C compiler. It is what was built: the outputs are equal to the last bit.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any, Callable

import numpy as np
import tvm

from . import measure

INPUTS, CODE, MACHINE = "inputs.npz", "kernels.ll", "machine.ro"


def save(executable: Any, inputs: dict[str, np.ndarray], folder: Path) -> None:
    """Write what tvm.compile returned, and the inputs to run it with, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    named: Any = inputs
    np.savez(folder / INPUTS, **named)
    imported = list(executable.mod.imports)
    if len(imported) > 1:
        kinds = ", ".join(str(module.kind) for module in imported)
        raise NotImplementedError(f"a build of more than one library ({kinds}) cannot be kept")
    for module in imported:
        module.write_to_file(str(folder / CODE), "ll")
    executable.mod.write_to_file(str(folder / MACHINE), "")  # last: all is there


class Artifact:
    """A saved model, to be run here."""

    def __init__(self, folder: Path, remote: Any = None) -> None:
        if remote is not None:
            raise NotImplementedError("Relax models cannot be timed over RPC yet")
        self._module = _loader("relax.VMExecutable")(str(folder / MACHINE))
        if (folder / CODE).exists():
            self._module.import_module(_loader("ll")(str(folder / CODE), "ll"))
        with np.load(folder / INPUTS) as inputs:
            self.inputs = measure.tensors(dict(inputs))

    def machine(self) -> Any:
        """A virtual machine of its own."""
        return measure.machine(self._module)

    def timer(self, runs: int) -> Callable[[], float]:
        """A function that runs it so often, after one run before the clock starts; ms a run."""
        timed = self.machine().time_evaluator("main", tvm.cpu(), number=runs, repeat=1)
        return lambda: float(timed(*self.inputs).mean) * 1e3

    def kernels(self, runs: int) -> list[dict[str, Any]]:
        """Each kernel in running order: name, ms (median of the runs), argument shapes."""
        running = self.machine()
        measure.outputs(running, self.inputs)  # warms up
        profiled = [measure.kernels(running, self.inputs) for _ in range(runs)]
        return [
            {**calls[0], "ms": statistics.median(call["ms"] for call in calls)}
            for calls in zip(*profiled)
        ]


def _loader(kind: str) -> Any:
    """What reads a module of that kind from a file, whatever the file is called."""
    return tvm.get_global_func(f"ffi.Module.load_from_file.{kind}")
