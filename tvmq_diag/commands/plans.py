"""From the options of a command to what a run is asked to do."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

from ..configuration import Configuration, adapted, parse_list
from ..driver.plan import Plan
from ..errors import UsageError
from ..instruments.protocol.jobs import CHECK_ON, DataSource, ModelSource
from ..toolchains import resolution
from ..toolchains.limits import Limits, usable_bytes
from ..toolchains.toolchain import Toolchain
from ..trace.stages import RELAY


def plan_of(
    options: argparse.Namespace, echo: Callable[[str], None], chain: Toolchain | None = None
) -> Plan:
    """What the options of `options.add_model` ask for, on the TVM they name or on `chain`.

    `echo` gets a line when there is a toolchain to wait for. Raises UsageError, SetupError.
    """
    if options.weights and not options.model.startswith("torchvision:"):
        raise UsageError("--weights is for torchvision: models; other sources bring their own")
    if options.samples is not None and not options.calibrate_on:
        raise UsageError("--samples says how many of what --calibrate-on gives; give that too")
    if options.preprocess and not (options.calibrate_on or options.check_on):
        raise UsageError("--preprocess is for the pictures of --check-on or --calibrate-on")
    shape = _shape(options.input_shape)
    level = options.quantize_opt_level
    if chain is None:
        chain = resolution.resolve(options.tvm, options.tvm_python, echo=echo)
        if level is not None and chain.dialect != RELAY:
            raise UsageError(
                "--quantize-opt-level is for Relay's quantize(): on Relax the quantizer's passes "
                "run at any level; leave it out"
            )
    memory = int(options.memory_limit * 2**30) if options.memory_limit else usable_bytes()
    source, how = options.calibrate_on, options.preprocess
    return Plan(
        ModelSource(options.model, shape, options.seed, options.weights),
        _each_once(parse_list(options.dtype), chain.dialect),
        chain,
        Limits(options.timeout, memory),
        mcpu=options.mcpu,
        opt_level=options.opt_level,
        quantize_opt_level=level if chain.dialect == RELAY else None,
        dataset=DataSource(source, options.samples, how) if source else None,
        check=DataSource(options.check_on or _check_on(options.model), options.check_samples, how),
        rounds=options.rounds,
        seconds=options.seconds,
        fresh=options.fresh,
    )


def _check_on(model: str) -> str:
    """What results are judged on where nobody says: what a net was trained for, if that is here."""
    return model if model == "digits" else CHECK_ON


def _each_once(typed: list[Configuration], dialect: str) -> list[Configuration]:
    """The configurations as the dialect has them: two may mean the same there."""
    meant = {same.text: same for one in typed for same in adapted(one, dialect)}
    return list(meant.values())


def _shape(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        sizes = [int(part) for part in re.split(r"[,x]", text)]
    except ValueError as error:
        raise UsageError(f"--input-shape {text!r} is not like 1,3,224,224") from error
    if any(size < 1 for size in sizes):
        raise UsageError(f"--input-shape {text!r}: sizes must be positive")
    return sizes
