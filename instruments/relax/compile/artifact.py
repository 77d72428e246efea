"""A compiled model on disk, and back: the machine with the weights, and the kernels as LLVM IR.

The IR is compiled when it is loaded, so that no linker is needed: TVM's own export_library wants a
C compiler. It is what was built: the outputs are equal to the last bit.
"""

from __future__ import annotations

import functools
import statistics
from pathlib import Path
from typing import Any, Callable, Mapping

import numpy as np
import tvm

from ...numerics.figures import same_bits
from ...tvm_types import Library
from . import execution

INPUTS, CODE, MACHINE = "inputs.npz", "kernels.ll", "machine.ro"


def save(executable: Library, inputs: dict[str, np.ndarray], folder: Path) -> int:
    """Write what tvm.compile returned, and the inputs to run it with, into a folder.

    How many bytes the file has that holds its weights and other constants.
    """
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
    return (folder / MACHINE).stat().st_size


def kernels(folder: Path, remote: Any = None) -> Library | None:
    """The kernels of a saved model; None where it has none."""
    path = folder / CODE
    return _read(path, remote, "ll", "ll") if path.exists() else None


class Artifact:
    """A saved model, to be run here or in an RPC session; its kernels are loaded unless given."""

    def __init__(self, folder: Path, remote: Any = None, code: Library | None = None) -> None:
        self._device = remote.cpu() if remote else tvm.cpu()
        self._run = execution.outputs_there if remote else execution.outputs
        self._module = _read(folder / MACHINE, remote, "relax.VMExecutable")
        library = code or kernels(folder, remote)
        if library is not None:
            self._module.import_module(library)
        with np.load(folder / INPUTS) as inputs:
            self.inputs = execution.tensors(dict(inputs), self._device)

    def machine(self) -> Any:
        """A virtual machine of its own."""
        return execution.machine(self._module, self._device)

    def outputs(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Run once; a copy of every output."""
        given = execution.tensors(dict(inputs), self._device)
        return self._run(self._running, given)

    def repeats(self, first: list[np.ndarray]) -> bool:
        """Are these the outputs again, in the same machine and in a new one?"""
        machines = (self._running, self.machine())
        return all(same_bits(first, self._run(one, self.inputs)) for one in machines)

    @functools.cached_property
    def _running(self) -> Any:
        return self.machine()

    def timer(self, runs: int) -> Callable[[], float]:
        """A function that runs it so often, after one run before the clock starts; ms a run."""
        timed = self.machine().time_evaluator("main", self._device, number=runs, repeat=1)
        return lambda: float(timed(*self.inputs).mean) * 1e3

    def kernels(self, runs: int) -> list[dict[str, Any]]:
        """Each kernel in running order: name, ms (median of the runs), argument shapes."""
        running = self.machine()
        execution.outputs(running, self.inputs)  # warms up
        profiled = [execution.kernels(running, self.inputs) for _ in range(runs)]
        return [
            {**calls[0], "ms": statistics.median(call["ms"] for call in calls)}
            for calls in zip(*profiled)
        ]


def _read(path: Path, remote: Any, kind: str, *given: str) -> Any:
    """The module of that kind in a file, whatever the file is called; on the device, if remote."""
    loader = f"ffi.Module.load_from_file.{kind}"
    if remote is None:
        return tvm.get_global_func(loader)(str(path), *given)
    name = f"{path.parent.name}-{path.name}"
    remote.upload(str(path), name)
    there = remote.get_function("tvm.rpc.server.workpath")(name)
    return remote.get_function(loader)(there, *given)
