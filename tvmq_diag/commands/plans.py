"""From the options of a command to what a run is asked to do."""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .. import extensions
from ..configuration import OVER_DATA, Configuration, adapted, parse_list, with_fields_of
from ..driver.calibrating import option, to_calibrate
from ..driver.plan import Plan
from ..errors import UsageError
from ..instruments.protocol.jobs import CHECK_ON, DataSource, ModelSource, Rpc
from ..toolchains import needs, resolution, settings
from ..toolchains.limits import Limits, usable_bytes
from ..toolchains.toolchain import Toolchain
from ..trace.stages import RELAY

_FILES = ("torch", "onnx", "tflite", "relay", "relax")
"""Kinds of model sources that are a file."""


def plan_of(
    options: argparse.Namespace, echo: Callable[[str], None], chain: Toolchain | None = None
) -> Plan:
    """What the options of `options.add_model` ask for, on the TVM they name or on `chain`.

    `echo` gets a line when there is a toolchain to wait for. Raises UsageError, SetupError.
    """
    extensions.check()
    if options.weights and not options.model.startswith("torchvision:"):
        raise UsageError("--weights is for torchvision: models; other sources bring their own")
    if options.samples is not None and not options.calibrate_on:
        raise UsageError("--samples says how many of what --calibrate-on gives; give that too")
    if options.preprocess and not (options.calibrate_on or options.check_on):
        raise UsageError("--preprocess is for the pictures of --check-on or --calibrate-on")
    shapes = _shapes(options.input_shape)
    level = options.quantize_opt_level
    if chain is None:
        chain = resolution.resolve(options.tvm, options.tvm_python, options.dialect, echo=echo)
        if level is not None and chain.dialect != RELAY:
            raise UsageError(
                "--quantize-opt-level is for Relay's quantize(): on Relax the quantizer's passes "
                "run at any level; leave it out"
            )
    memory = int(options.memory_limit * 2**30) if options.memory_limit else usable_bytes()
    source, how = options.calibrate_on, options.preprocess
    model = ModelSource(_source(options.model), shapes, options.seed, options.weights)
    configurations = _each_once(_known_to(chain, parse_list(options.dtype)), chain.dialect)
    _check_there(model.source)  # before anything is fetched for it
    needed = needs.of_model(model.source) | needs.of_data(source, options.check_on)
    resolution.equip(chain, needed, echo)
    plan = Plan(
        model,
        configurations,
        chain,
        Limits(options.timeout, memory),
        mcpu=options.mcpu,
        opt_level=options.opt_level,
        quantize_anyway=options.quantize_anyway,
        quantize_opt_level=level if chain.dialect == RELAY else None,
        dataset=DataSource(source, options.samples, how) if source else None,
        check=DataSource(options.check_on or _check_on(options.model), options.check_samples, how),
        rounds=options.rounds,
        seconds=options.seconds,
        fresh=options.fresh,
        jobs=options.jobs,
    )
    if plan.dataset is not None or not any(map(_calibrates_on_data, plan.configurations)):
        return plan
    data = to_calibrate(plan)
    echo(f"calibrating with{option(data)}, as none was given")
    return replace(plan, dataset=data)


def _calibrates_on_data(configuration: Configuration) -> bool:
    """Does TVM need some (Relay)? Relax's quantizer has data of its own."""
    return configuration.fields.get("calibrate_mode") in OVER_DATA[RELAY]


def rpc_of(options: argparse.Namespace) -> Rpc | None:
    """The device of `options.add_rpc`; None for none. Raises UsageError."""
    if options.rpc is None and options.rpc_key is None:
        return None
    host, _, port = (options.rpc or "").rpartition(":")
    if not host or not port.isdigit() or not options.rpc_key:
        raise UsageError("--rpc HOST:PORT and --rpc-key KEY go together: a tracker and a device")
    return Rpc(host, int(port), options.rpc_key)


def _source(model: str) -> str:
    """The model as the tool knows it, where an extension has the kind that is asked for. Raises
    UsageError."""
    kind, _, rest = model.partition(":")
    extension = extensions.of(extensions.MODELS).get(kind)
    if extension is None:
        return model
    try:
        return str(extension(rest))
    except UsageError:
        raise
    except Exception as error:  # it is somebody else's code
        raise UsageError(f"--model {model}: {type(error).__name__}: {error}") from error


def _check_there(source: str) -> None:
    """Raise UsageError for a model's file that there is not; TVM's process says what else is wrong
    with one."""
    kind, _, name = source.partition(":")
    with contextlib.suppress(OSError, ValueError):  # a name that is too long, or has a zero in it
        if kind in _FILES and not Path(name).exists():
            raise UsageError(f"no model file {name!r}")


def _check_on(model: str) -> str:
    """What results are judged on where nobody says: what a net was trained for, if that is here."""
    return model if model == "digits" else CHECK_ON


def _known_to(chain: Toolchain, typed: list[Configuration]) -> list[Configuration]:
    """The configurations with every field as that TVM has it, which is asked only where need be."""
    if chain.dialect != RELAY or not any(one.unknown for one in typed):
        return typed
    defaults = settings.defaults(chain)
    return [with_fields_of(one, defaults) for one in typed]


def _each_once(typed: list[Configuration], dialect: str) -> list[Configuration]:
    """The configurations as the dialect has them: two may mean the same there."""
    meant = {same.text: same for one in typed for same in adapted(one, dialect)}
    return list(meant.values())


def _shapes(text: str | None) -> dict[str, list[int]] | None:
    """Shapes by the names of inputs, from `data=1,3,224,224;mask=1,16`; one without a name is that
    of the only input."""
    if text is None:
        return None
    shapes: dict[str, list[int]] = {}
    for part in text.split(";"):
        name, named, sizes = part.rpartition("=")
        if (bool(named) and not name.strip()) or name.strip() in shapes:
            raise UsageError(f"--input-shape {text!r}: each input once, as NAME=1,3,224,224")
        shapes[name.strip()] = _sizes(text, sizes)
    if "" in shapes and len(shapes) > 1:
        raise UsageError(f"--input-shape {text!r}: with several inputs each has its name")
    return shapes


def _sizes(text: str, sizes: str) -> list[int]:
    try:
        numbers = [int(part) for part in re.split(r"[,x]", sizes)] if sizes.strip() else []
    except ValueError as error:
        raise UsageError(
            f"--input-shape {text!r} is not like 1,3,224,224 or data=1,3,224,224;mask=1,16"
        ) from error
    if any(size < 1 for size in numbers):
        raise UsageError(f"--input-shape {text!r}: sizes must be positive")
    return numbers
