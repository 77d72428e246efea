"""What the commands share: where a run goes, and options of one kind."""

from __future__ import annotations

import argparse
import datetime
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import __version__
from ..configuration import Configuration, adapted, parse_list
from ..driver.plan import Dataset, Model, Plan
from ..errors import UsageError
from ..toolchains import recipes, resolution
from ..toolchains.limits import Limits, physical_bytes
from ..toolchains.toolchain import Toolchain

RUNS = Path("runs")


def fresh_directory(asked: Path | None, stem: str) -> Path:
    """Where a run goes: the folder that was asked for, or runs/STEM-TIME.

    Raises UsageError when the folder asked for holds something: no run is ever overwritten.
    """
    if asked is not None:
        if asked.exists() and (not asked.is_dir() or any(asked.iterdir())):
            raise UsageError(f"{asked} is there already; give --out another folder")
        return asked
    name = base = f"{stem}-{datetime.datetime.now():%Y%m%d-%H%M%S}"
    number = 1
    while (RUNS / name).exists():
        number += 1
        name = f"{base}-{number}"
    return RUNS / name


def circumstances() -> dict[str, object]:
    """The command line as it was typed, the time, and the version of the tool."""
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "created": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "tool_version": __version__,
    }


def add_model(parser: argparse.ArgumentParser) -> None:
    """Options on what to compile, and with what."""
    parser.add_argument(
        "--model",
        default="torchvision:resnet50",
        metavar="SOURCE",
        help="tiny, torchvision:NAME, onnx:FILE, relay:FILE or py:MODULE:FUNCTION (%(default)s)",
    )
    parser.add_argument(
        "--input-shape", metavar="N,C,H,W", help="default: 1,3,224,224 or the file's"
    )
    parser.add_argument("--seed", type=int, default=0, help="of random weights and input (0)")
    parser.add_argument(
        "--weights",
        metavar="imagenet|FILE",
        help="for torchvision: real weights instead of seeded random ones",
    )
    parser.add_argument(
        "--calibrate-on",
        metavar="SOURCE",
        help="data for calibrate_mode=percentile or kl_divergence: random:N, a folder of images, "
        "or an .npz",
    )
    parser.add_argument("--samples", type=int, metavar="N", help="how many of them (all there are)")
    add_tvm(parser)
    parser.add_argument(
        "--mcpu", metavar="CPU", help="for the target; 'none' leaves it out (host's)"
    )
    parser.add_argument("--opt-level", type=int, default=3, choices=range(4), help="(3)")
    parser.add_argument(
        "--timeout", type=positive, default=1800.0, metavar="S", help="per process (1800)"
    )
    parser.add_argument(
        "--memory-limit", type=positive, metavar="GIB", help="per process (90%% of the machine)"
    )
    parser.add_argument(
        "--rounds", type=int, default=30, metavar="N", help="of the benchmark, at most (30)"
    )
    parser.add_argument(
        "--seconds", type=positive, default=60.0, metavar="S", help="of the benchmark, about (60)"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="build the float model even if it is in the cache"
    )


def add_sweep(parser: argparse.ArgumentParser, dtypes: str) -> None:
    """Configurations, and those of add_model, for what compiles all of them more than once."""
    parser.add_argument(
        "--dtype",
        default=dtypes,
        metavar="CONF[,CONF…]",
        help="configurations, as trace_quantize.py takes them (%(default)s)",
    )
    add_model(parser)
    parser.set_defaults(model="torchvision:resnet18")


def add_tvm(parser: argparse.ArgumentParser) -> None:
    """Options on which TVM."""
    parser.add_argument(
        "--tvm",
        metavar="NAME",
        help=f"{', '.join(recipes.RECIPES)} (relay); installed on first use",
    )
    parser.add_argument(
        "--tvm-python", type=Path, metavar="PATH", help="the Python of a TVM of your own"
    )


def add_experiments(parser: argparse.ArgumentParser, what: str) -> None:
    """A trace to go back to, and how long for."""
    parser.add_argument("trace", type=Path, help="a trace's folder inside a run")
    parser.add_argument(
        "--seconds", type=positive, default=600.0, metavar="S", help=f"for {what} (600)"
    )


def plan(
    options: argparse.Namespace,
    echo: Callable[[str], None],
    chain: Toolchain | None = None,
    **more: Any,
) -> Plan:
    """What these options ask for, on the TVM they name or on `chain`.

    Raises UsageError, SetupError.
    """
    if options.weights and not options.model.startswith("torchvision:"):
        raise UsageError("--weights is for torchvision: models; other sources bring their own")
    if options.samples is not None and not options.calibrate_on:
        raise UsageError("--samples says how many of what --calibrate-on gives; give that too")
    shape = _shape(options.input_shape)
    if chain is None:
        chain = resolution.resolve(options.tvm, options.tvm_python, echo=echo)
    memory = options.memory_limit * 2**30 if options.memory_limit else 0.9 * physical_bytes()
    on = options.calibrate_on
    return Plan(
        Model(options.model, shape, options.seed, options.weights),
        _each_once(parse_list(options.dtype), chain.dialect),
        chain,
        Limits(options.timeout, int(memory)),
        mcpu=options.mcpu,
        opt_level=options.opt_level,
        dataset=Dataset(on, options.samples) if on else None,
        rounds=options.rounds,
        seconds=options.seconds,
        fresh=options.fresh,
        **more,
    )


def _each_once(asked: list[Configuration], dialect: str) -> list[Configuration]:
    """What was asked for as the dialect has it: two may mean the same there."""
    found = {same.text: same for one in asked for same in adapted(one, dialect)}
    return list(found.values())


def model_facts(plan: Plan) -> dict[str, object]:
    """What a run was asked for, for run.json and the pages."""
    model = plan.model
    return {
        **circumstances(),
        "model": model.source,
        "input_shape": model.shape,
        "seed": model.seed,
        "weights": model.weights or "seeded random",
        "calibrated_on": plan.dataset.source if plan.dataset else None,
        "toolchain": plan.toolchain.name,
        "python": str(plan.toolchain.python),
        "overlay": str(plan.toolchain.overlay) if plan.toolchain.overlay else None,
        "dialect": plan.toolchain.dialect,
        "min_cosine": plan.min_cosine,
    }


def stem(source: str, configurations: list[Configuration]) -> str:
    """The beginning of a run's name: the model and what was asked."""
    short = re.sub(r"[^\w.-]+", "_", source.rpartition(":")[2].rpartition("/")[2])
    what = configurations[0].slug if len(configurations) == 1 else f"sweep{len(configurations)}"
    return f"{short}-{what}"


def positive(text: str) -> float:
    """An option's value that must be a number above zero."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("must be positive")
    return value


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
