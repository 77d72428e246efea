"""Runs the float model on the calibration data and looks at the values at each site.

Each site becomes a call of a registered function that looks at its argument and returns a copy. The
argument itself would not do: TVM's memory planner does not know that a result may be its argument,
and lets a later op write over it.

TVM compiles that model in a PassContext of its own: nobody's instruments see it, since it is not
the model asked for.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping

import numpy as np
import tvm
import tvm_ffi
from tvm import relax

from ...tvm_types import Expr, IRModule
from ..compat import call_packed, name_of, prim_value, type_of
from .config import Batches
from .op import site_of
from .rewrite import Emitter, main_of, rewritten

_COLLECT = "tvmq.collect"

Look = Callable[[int, np.ndarray], None]
"""Called with a site's number and its values; not for weights."""


def run(module: IRModule, batches: Batches, look: Look) -> int:
    """Run an annotated module on each batch; how many there were. Raises ValueError for a batch
    without one of main's parameters."""

    def collect(values: Any, number: int) -> Any:
        copied = values.numpy()
        look(number, copied)
        return tvm.runtime.tensor(copied)

    tvm_ffi.register_global_func(_COLLECT, collect, override=True)
    names = [name_of(parameter) for parameter in main_of(module).params]
    machine: Any = None
    done = 0
    for batch in batches:
        machine = machine or _compiled(_with_collectors(module))
        machine["main"](*[tvm.runtime.tensor(_of(batch, name)) for name in names])
        done += 1
    return done


def _of(batch: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    if name not in batch:
        raise ValueError(f"a calibration batch has no {name!r}: it has {', '.join(batch)}")
    return np.asarray(batch[name], order="C")


def _compiled(module: IRModule) -> Any:
    with tvm.transform.PassContext(opt_level=3):
        return relax.VirtualMachine(tvm.compile(module, target="llvm"), tvm.cpu())


def _with_collectors(module: IRModule) -> Any:
    number = -1

    def rewrite(emit: Emitter, binding: Expr) -> None:
        nonlocal number
        site = site_of(binding.value)
        if site is None:
            emit.keep(binding)
            return
        number += 1
        collected = site.data
        if site.kind != "weight":
            arguments = [site.data, prim_value(number)]
            collected = call_packed(_COLLECT, arguments, type_of(site.data))
        emit.bind(binding.var, collected)

    return rewritten(module, lambda: rewrite)
