"""Passes of Relay by their names, to be run again."""

from __future__ import annotations

import contextlib
import inspect
import sys
from typing import Any, Callable, ContextManager

import tvm
from tvm import relay

from ..diagnosis.signature import Attempt
from ..protocol.schema import TYPE_ONLY
from ..recording.open_pass import OpenPass
from ..tvm_types import IRModule, Target

_LEGALIZED_BY = ("FTVMLegalize", "FTVMQnnLegalize", "FTVMQnnCanonicalize")
"""The attributes that Legalize takes its rules from (python/tvm/relay/qnn/transform.py and
src/relay/transforms/legalize.cc)."""

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


def attempts_at(place: OpenPass, target: Target) -> list[Attempt]:
    """Functions each of which may do again what an open pass did, the most certain first: the pass
    objects themselves where they are at hand, else the pass of that name.

    A name may stand for several passes, as Legalize does for each table of rules it goes by.
    """
    around = target if target is not None else place.surroundings.target
    # The quantizer's own are made anew: QuantizeCalibrate keeps what it was given to calibrate on.
    if place.made and place.name not in _quantizer_passes():
        made = place.made
    else:
        made = _by_name(place.name)
    context = place.surroundings.context
    return [_running(one, around, context, place.name) for one in made]


def pass_by_name(name: str, target: Target) -> Attempt | None:
    """A function that runs the pass called `name` in a context of its own, and gives back the
    module that comes of it; None if unknown."""
    made = _by_name(name)
    return _running(made[0], target, None, name) if made else None


def _by_name(name: str) -> list[Any]:
    """The passes of a name, made with the arguments that they have by default."""
    make: Any = _quantizer_passes().get(name) or getattr(relay.transform, name, None)
    if make is None:
        make = tvm.get_global_func(f"relay._transform.{name}", allow_missing=True)
    if make is None:
        return []
    if name == "Legalize":
        return [make(table) for table in _LEGALIZED_BY]
    try:
        return [make()]
    except (TypeError, tvm.TVMError):  # a pass that wants arguments we do not know
        return []


def _quantizer_passes() -> dict[str, Callable[[], Any]]:
    quantizer = sys.modules["tvm.relay.quantize.quantize"]
    return {
        "QuantizePartition": quantizer.partition,
        "QuantizeAnnotate": quantizer.annotate,
        "QuantizeCalibrate": lambda: tvm.transform.module_pass(
            quantizer.calibrate(None), opt_level=1, name="QuantizeCalibrate"
        ),
        "QuantizeRealize": inspect.unwrap(quantizer.realize),  # without quantizer.behind_calibrate
    }


def _running(made: Any, target: Target, context: Any, name: str = "") -> Attempt:
    """A function that runs a pass as it ran in `context`, but for the instruments."""
    quantizer = sys.modules["tvm.relay.quantize.quantize"]

    def attempt(module: IRModule) -> Any:
        with contextlib.ExitStack() as stack:
            if target is not None:
                stack.enter_context(target)
            stack.enter_context(_like(context))
            stack.enter_context(quantizer.quantize_context())
            typed = relay.transform.InferType()(module) if name != TYPE_ONLY else module
            return made(typed)

    return attempt


def _like(context: Any) -> Any:
    """A PassContext with another's settings and no instruments; None: of level 3, as quantize()
    opens one."""
    config = {} if context is None else dict(context.config)
    return tvm.transform.PassContext(opt_level=3, config=config)


def building(target: Target) -> Attempt:
    """A function that builds a module, for what fails below Relay."""

    def attempt(part: Any) -> None:
        # Level 2 leaves out AlterOpLayout, which these ops have been through.
        with tvm.transform.PassContext(opt_level=2):
            relay.build(part, target=target)

    return attempt
