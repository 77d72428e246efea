"""Passes of Relay by their names, to be run again."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, Callable, ContextManager

import tvm
from tvm import relay

from ..diagnosis.signature import (
    Attempt,
)
from ..protocol.schema import TYPE_ONLY
from ..tvm_types import IRModule, Target

BUILD = "relay.build"
"""Stands for the pass where a failure comes only with a build, in none of TVM's passes."""


def around_quantize(opt_level: int | None) -> ContextManager[Any]:
    """What quantize() runs in: a PassContext of a level, or, for None, the one that is there.

    TVM's tutorial (gallery/how_to/deploy_models/deploy_quantized.py) opens none, and the ambient
    level 2 leaves out FoldScaleAxis and CanonicalizeOps, which have level 3.
    """
    if opt_level is None:
        return contextlib.nullcontext()
    context: ContextManager[Any] = tvm.transform.PassContext(opt_level=opt_level)
    return context


def pass_by_name(name: str, target: Target) -> Callable[[Any], Any] | None:
    """A function that runs the pass called `name` in a context of its own, and gives back the
    module that comes of it; None if unknown."""
    quantizer = sys.modules["tvm.relay.quantize.quantize"]
    makers: dict[str, Callable[[], Any]] = {
        "QuantizePartition": quantizer.partition,
        "QuantizeAnnotate": quantizer.annotate,
        "QuantizeCalibrate": lambda: tvm.transform.module_pass(
            quantizer.calibrate(None), opt_level=1, name="QuantizeCalibrate"
        ),
        "QuantizeRealize": quantizer.realize,
    }
    make = makers.get(name) or getattr(relay.transform, name, None)
    if make is None:
        return None
    try:
        run = make()
    except TypeError:  # a pass that wants arguments we do not know
        return None

    def attempt(module: IRModule) -> Any:
        with contextlib.ExitStack() as stack:
            if target is not None:
                stack.enter_context(target)
            stack.enter_context(tvm.transform.PassContext(opt_level=3))
            stack.enter_context(quantizer.quantize_context())
            typed = relay.transform.InferType()(module) if name != TYPE_ONLY else module
            return run(typed)

    return attempt


def building(target: Target) -> Attempt:
    """A function that builds a module, for what fails below Relay."""

    def attempt(part: Any) -> None:
        # Level 2 leaves out AlterOpLayout, which these ops have been through.
        with tvm.transform.PassContext(opt_level=2):
            relay.build(part, target=target)

    return attempt
