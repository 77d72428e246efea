"""Passes of Relax by their names, or a whole compile, to be run again on some module."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import gc
import time
from typing import Any, Callable, ContextManager, Iterator

import numpy as np
import tvm
from tvm import relax

from ..diagnosis.signature import Attempt, signature
from ..protocol.schema import FOLDING
from ..recording.open_pass import OpenPass
from ..tvm_types import IRModule, Target
from .compile import schedule

BUILD = "tvm.compile"
"""Stands for the pass where a failure comes with generating code, in none of TVM's passes."""

RUN = "vm.run"
"""Where it comes only when the compiled model runs."""

WHOLE = (BUILD, RUN)

_RUNS = ("load", "run")
"""Stages in which there is a compiled model."""

FOLDS = 3
"""A kernel that writes past its buffer kills the process when the heap is used next: constants are
folded so many times before they pass for folded."""


class Whole(OpenPass):
    """BUILD or RUN of a module, as a pass around all that tvm.compile runs.

    `pipeline` is "default" or "target", see instruments/relax/compiling.py.
    """

    __slots__ = ("pipeline",)

    def __init__(self, stage: str, before: IRModule, snapshot: int | None, pipeline: str) -> None:
        super().__init__(0, RUN if stage in _RUNS else BUILD, stage, before, snapshot)
        self.pipeline = pipeline


def of(place: OpenPass, target: Target, error: BaseException | None = None) -> Attempt | None:
    """A function that runs an open pass once more on some module; None if that cannot be done.

    It is the pass object itself where that is at hand, of several that it may have been the first
    that fails on its module with `error`; else the pass of that name.
    """
    if isinstance(place, Whole):
        return compiling(target, place.name == RUN, place.pipeline)
    around = target if target is not None else place.surroundings.target
    if not place.made or place.name == FOLDING or place.name.startswith("Quantize"):
        return by_name(place.name, around, place.surroundings.context)
    attempts = [_running(made, around, place.surroundings.context) for made in place.made]
    if len(attempts) == 1 or error is None:
        return attempts[0]
    return next((one for one in attempts if _fails(one, place.before, error)), None)


def _fails(attempt: Attempt, module: IRModule, error: BaseException) -> bool:
    try:
        attempt(module)
    except Exception as another:
        return signature(another) == signature(error)
    return False


def by_name(name: str, target: Target, context: Any = None) -> Attempt | None:
    """A function that runs the pass called `name` in a context of its own, with the settings of
    `context`; None if unknown."""
    if name in WHOLE:
        return compiling(target, runs=name == RUN)
    make = _maker(name)
    if make is None:
        return None
    try:
        make()
    except TypeError:  # a pass that wants arguments we do not know, or a config that is not there
        return None
    if name == FOLDING:
        return _running(folded, target, context)
    return _running(lambda module: make()(module), target, context)


def _running(made: Any, target: Target, context: Any) -> Attempt:
    """A function that runs a pass as it ran in `context`, but for the instruments."""
    config = {} if context is None else dict(context.config)

    def attempt(module: IRModule) -> None:
        with contextlib.ExitStack() as stack:
            if target is not None:
                stack.enter_context(target)
            stack.enter_context(tvm.transform.PassContext(opt_level=3, config=config))
            made(module)

    return attempt


def compiling(target: Target, runs: bool = False, pipeline: str = "default") -> Attempt:
    """A function that compiles a module and, if it `runs`, runs that on inputs of any values.

    With TVM's own pipeline of that name ("default" or "target"), and no schedule of ours.
    """

    def attempt(module: IRModule) -> None:
        host = target or tvm.target.Target("llvm")
        passes = schedule.pipeline(pipeline, host)
        with tvm.transform.PassContext(opt_level=3):
            executable = tvm.compile(module, target=host, relax_pipeline=passes)
        if runs:
            machine = relax.VirtualMachine(executable, tvm.cpu())
            machine["main"](*[_value(p) for p in module["main"].params])

    return attempt


class Clock:
    """Milliseconds, known when the block is left."""

    ms = 0.0


@contextlib.contextmanager
def clock() -> Iterator[Clock]:
    """Time a block."""
    began, running = time.perf_counter(), Clock()
    try:
        yield running
    finally:
        running.ms = (time.perf_counter() - began) * 1e3


def _maker(name: str) -> Callable[[], Any] | None:
    if name.startswith("Quantize"):
        return _quantizer(name)
    kind, _, bare = name.rpartition(".")
    homes = {"": relax.transform, "relax": relax.transform}
    for other in ("tirx", "s_tir", "tir"):
        homes[other] = getattr(getattr(tvm, other, None), "transform", None)
    maker = getattr(homes.get(kind), bare, None)
    if maker is None:
        maker = tvm.get_global_func(f"relax.transform.{bare}", allow_missing=True)
    return maker if callable(maker) else None


def _quantizer(name: str) -> Callable[[], Any] | None:
    """Its pass under the config that is in force when it runs."""
    from . import quantizer

    def in_force() -> Any:
        config = quantizer.current()
        if config is None:
            raise TypeError("a pass of the quantizer wants a config")
        return config

    def calibrate() -> Any:
        # There is no data at hand: scales that need none.
        return quantizer.calibrate(dataclasses.replace(in_force(), calibrate_mode="global_scale"))

    makers: dict[str, Callable[[], Any]] = {
        "QuantizeAnnotate": lambda: quantizer.annotate(in_force()),
        "QuantizeCalibrate": calibrate,
        "QuantizeRealize": lambda: quantizer.realize(in_force()),
    }
    return makers.get(name)


def folded(
    module: IRModule, context: Callable[[], ContextManager[Any]] = contextlib.nullcontext
) -> None:
    """FoldConstant often enough for what it breaks to show; each time in a context."""
    for _ in range(FOLDS):
        with context():
            done = relax.transform.FoldConstant()(module)
        del done
        gc.collect()
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)  # goes through the whole heap


def _value(parameter: Any) -> Any:
    kind = parameter.ty if hasattr(parameter, "ty") else parameter.struct_info
    shape = [int(size) for size in kind.shape.values]
    dtype = str(kind.dtype)
    if dtype.startswith(("float", "int", "uint")) and tvm.DataType(dtype).bits in (8, 16, 32, 64):
        return tvm.runtime.tensor(np.zeros(shape, dtype))
    # Kernels read a byte for each value, however few bits a tensor is given: there must be so many.
    room = tvm.runtime.empty((int(np.prod(shape)) * 8,), "int8")
    return room._create_view(tuple(shape), dtype)
