"""Run a compiled model: its outputs, whether they repeat, its kernels, and where it fails."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any, Sequence

import numpy as np
import tvm
from tvm import relax

from ...numerics.figures import same_bits
from ...numerics.pooling import axes_of, by_channel
from ...tvm_types import Function, Library

BUILTIN = "vm.builtin."
"""What the virtual machine calls besides kernels, to make room and to check what it is given."""

_CALL = re.compile(r"^\s*call\s+(\S+)\s+in:\s*(.*?)\s*dst:\s*(\S+)")


def machine(executable: Library, device: Any = None) -> Any:
    """A virtual machine with the executable loaded."""
    return relax.VirtualMachine(executable, tvm.cpu() if device is None else device)


def tensors(inputs: dict[str, np.ndarray], device: Any = None) -> list[Any]:
    """The inputs as main takes them, in order."""
    make = getattr(tvm.runtime, "tensor", None) or tvm.nd.array  # tensor since 0.22
    device = tvm.cpu() if device is None else device
    return [make(np.asarray(value, order="C"), device) for value in inputs.values()]


def outputs(running: Any, inputs: Sequence[Any]) -> list[np.ndarray]:
    """Run once; a copy of every output."""
    return [tensor.numpy() for tensor in _flat(running["main"](*inputs))]


def outputs_there(running: Any, inputs: Sequence[Any]) -> list[np.ndarray]:
    """The same of a machine on a device, from which several outputs do not come as one."""
    running.set_input("main", *inputs)
    running.invoke_stateful("main")
    return [tensor.numpy() for tensor in _flat(running.get_outputs("main"))]


def _flat(result: Any) -> list[Any]:
    if hasattr(result, "numpy"):
        return [result]
    return [tensor for part in result for tensor in _flat(part)]


def repeats(
    executable: Library, running: Any, inputs: Sequence[Any], first: list[np.ndarray]
) -> bool:
    """Does it give the same bits again, in the same machine and in a new one?"""
    again = outputs(running, inputs), outputs(machine(executable), inputs)
    return all(same_bits(first, other) for other in again)


def kernels(running: Any, inputs: Sequence[Any]) -> list[dict[str, Any]]:
    """Run once; each kernel in running order: name, ms, and argument dtypes and shapes."""
    calls: list[dict[str, Any]] = []
    began = 0.0

    def instrument(
        _function: Function, symbol: str, before: bool, _result: Any, *given: Any
    ) -> int:
        nonlocal began
        now = time.perf_counter()
        if str(symbol).startswith(BUILTIN):
            return 0
        if before:
            began = time.perf_counter()
        else:
            shapes = [f"{a.dtype}{list(a.shape)}" for a in given if hasattr(a, "shape")]
            row = {"name": str(symbol), "ms": (now - began) * 1e3, "shapes": ", ".join(shapes)}
            calls.append(row)
        return 0

    running.set_instrument(instrument)
    try:
        running["main"](*inputs)
    finally:
        running.set_instrument(lambda *_given: 0)
    return calls


def pooled(running: Any, inputs: Sequence[Any]) -> np.ndarray | None:
    """Run once; what the last pooling reads: float32, [channels, places]. None where nothing is
    pooled. numerics.pooling says what for."""
    last: np.ndarray | None = None

    def instrument(
        _function: Function, symbol: str, before: bool, _result: Any, *given: Any
    ) -> int:
        nonlocal last
        tensors = [each for each in given if hasattr(each, "shape")]
        if before and len(tensors) == 2 and not str(symbol).startswith(BUILTIN):
            read, written = (tuple(map(int, each.shape)) for each in tensors)
            axes = axes_of(str(symbol), read, written)
            if axes is not None:
                last = by_channel(tensors[0].numpy(), axes)
        return 0

    running.set_instrument(instrument)
    try:
        running["main"](*inputs)
    finally:
        running.set_instrument(lambda *_given: 0)
    return last


@dataclass
class Stopped:
    """Where a run ended: in the call `call` of the machine, before or in the kernel `kernel`.

    `index` counts the kernels from 0, as call_tir counts them in the module. `builtin` is what the
    machine was doing for that kernel, None where the kernel itself raised.
    """

    kernel: str | None
    index: int
    builtin: str | None
    call: int
    error: Exception


def failing_kernel(
    executable: Library, inputs: dict[str, np.ndarray], device: Any = None
) -> Stopped | None:
    """Run until it raises; None if it does not, or dies before the first call."""
    running = machine(executable, device)
    called: list[str] = []

    def instrument(
        _function: Function, symbol: str, before: bool, _result: Any, *_given: Any
    ) -> int:
        if before:
            called.append(str(symbol))
        return 0

    running.set_instrument(instrument)
    try:
        running["main"](*tensors(inputs, device))
    except Exception as error:
        return _stopped(executable, called, error) if called else None
    return None


def _stopped(executable: Library, called: list[str], error: Exception) -> Stopped:
    index = sum(not name.startswith(BUILTIN) for name in called)
    if not called[-1].startswith(BUILTIN):
        return Stopped(called[-1], index - 1, None, len(called) - 1, error)
    calls = listed(executable)
    place = len(called) - 1
    is_prefix = [name for name, _, _ in calls[: len(called)]] == called
    kernel = calls[place][2] if is_prefix else None
    # The tensor that could not be made is what a later kernel reads or writes: the first to do so.
    for number, (name, reads, _) in enumerate(calls[place + 1 :] if is_prefix else []):
        if not name.startswith(BUILTIN) and kernel in reads:
            between = calls[place + 1 : place + 1 + number]
            index += sum(not other.startswith(BUILTIN) for other, _, _ in between)
            return Stopped(name, index, called[-1], place, error)
    return Stopped(None, index, called[-1], place, error)


def listed(executable: Library) -> list[tuple[str, list[str], str]]:
    """The calls of main in order: name, what it is given, where the result goes.

    From the executable's own text; empty where it branches, as the order is not the text's then.
    """
    text = str(executable.as_text())
    main = text.partition("@main:")[2].partition("\n@")[0]
    if re.search(r"^\s*(?:if|goto)\b", main, re.M):
        return []
    matches = (_CALL.match(line) for line in main.splitlines())
    return [(m[1], [part.strip() for part in m[2].split(",")], m[3]) for m in matches if m]
