"""Options that several commands have, one function a group of them."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path

from ..instruments.protocol.jobs import MIN_AGREEMENT, MIN_COSINE
from ..toolchains.recipes import RECIPES


def add_configurations(parser: argparse.ArgumentParser, default: str) -> None:
    """Add which configurations."""
    parser.add_argument(
        "--dtype",
        default=default,
        metavar="CONF[,CONF…]",
        help="configurations, as trace_quantize.py takes them, or @FILE (%(default)s)",
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add what to compile, on which TVM, and how."""
    add_source(parser)
    add_tvm(parser)
    add_build(parser)


def add_sweep(parser: argparse.ArgumentParser, configurations: str) -> None:
    """Add configurations, what to compile and how, for a command that does so on several TVMs.

    Which TVMs is the command's own to add.
    """
    add_configurations(parser, configurations)
    add_source(parser)
    add_build(parser)
    parser.set_defaults(model="torchvision:resnet18")


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add the model, its weights, and what to calibrate and to judge on."""
    parser.add_argument(
        "--model",
        default="torchvision:resnet50",
        metavar="SOURCE",
        help="digits (trained), tiny, torchvision:NAME, torch:FILE, onnx:FILE, tflite:FILE, "
        "relay:FILE, relax:FILE or py:MODULE:FUNCTION (%(default)s)",
    )
    add_input(parser)


def add_input(parser: argparse.ArgumentParser) -> None:
    """Add a model's sizes and weights, and what to calibrate and to judge on."""
    parser.add_argument(
        "--input-shape",
        metavar="[NAME=]N,C,H,W[;…]",
        help="default: 1,3,224,224 or the model's own; fixes what a model leaves open; of several "
        "inputs each by name: data=1,3,224,224;mask=1,16",
    )
    parser.add_argument(
        "--quantize-anyway",
        action="store_true",
        help="quantize a model that arrives quantized, which is refused without",
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
        help="data for calibrate_mode=percentile or kl_divergence: natural:N, random:N, digits, "
        "a folder of images, or an .npz",
    )
    parser.add_argument("--samples", type=int, metavar="N", help="how many of them (all there are)")
    add_check(parser)
    parser.add_argument(
        "--preprocess",
        metavar="HOW",
        help="of pictures: raw, or resize=N, scale=N, mean=A/B/C, std=A/B/C, interpolation=NAME "
        "with commas between (what the model's own torchvision weights want)",
    )


def add_check(parser: argparse.ArgumentParser) -> None:
    """Add what results are judged on."""
    parser.add_argument(
        "--check-on",
        metavar="SOURCE",
        help="data to judge results on: natural:N (16 seeded images with the statistics of "
        "photographs), random:N (white noise), digits, a folder of images with a subfolder for "
        "each class or a labels.csv, or an .npz, which may have labels",
    )
    parser.add_argument(
        "--check-samples", type=int, metavar="N", help="how many of them (of a folder at most 256)"
    )


def add_tvm(parser: argparse.ArgumentParser) -> None:
    """Add which TVM, one by name or one of the user's own."""
    parser.add_argument(
        "--tvm",
        metavar="NAME",
        help=f"{', '.join(RECIPES)} (relay); installed on first use",
    )
    parser.add_argument(
        "--tvm-python", type=Path, metavar="PATH", help="the Python of a TVM of your own"
    )
    parser.add_argument(
        "--dialect",
        metavar="NAME",
        help="relay or relax, where a TVM of your own has both, or what an extension has "
        "(the first that it has)",
    )


def add_own_tvms(group: argparse._ArgumentGroup, how: str) -> None:
    """Add any number of TVMs of the user's own; `how` ends the help's sentence."""
    group.add_argument(
        "--tvm-python",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help=f"the Python of a TVM of your own{how}",
    )


def add_build(parser: argparse.ArgumentParser) -> None:
    """Add the target, what a process may use, the benchmark, and the cache."""
    add_compile(parser)
    parser.add_argument(
        "--rounds", type=int, default=30, metavar="N", help="of the benchmark, at most (30)"
    )
    parser.add_argument(
        "--seconds", type=positive, default=60.0, metavar="S", help="of the benchmark, about (60)"
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="take nothing from the cache: not the float model, not the imported one, not what was "
        "prepared for the quantizer",
    )
    parser.add_argument(
        "--jobs",
        type=at_least_one,
        default=len(os.sched_getaffinity(0)),
        metavar="N",
        help="TVM processes at a time, as far as memory suffices; what measures times runs alone "
        "(one for each core, %(default)s)",
    )


def add_compile(parser: argparse.ArgumentParser) -> None:
    """Add the target, the levels, and what a process may use."""
    add_mcpu(parser)
    parser.add_argument(
        "--opt-level", type=int, default=3, choices=range(4), help="of the build (3)"
    )
    parser.add_argument(
        "--quantize-opt-level",
        type=int,
        choices=range(4),
        help="run Relay's quantize() in a PassContext of this level; default: in none, as TVM's "
        "tutorial does, which means TVM's ambient level (2)",
    )
    add_timeout(parser, 1800.0)
    add_memory_limit(parser)


def add_bounds(parser: argparse.ArgumentParser) -> None:
    """Add from where on a result is right."""
    parser.add_argument(
        "--min-cosine",
        type=float,
        default=MIN_COSINE,
        metavar="C",
        help="to the float model, on the worst input; below it a result is wrong (%(default)s)",
    )
    parser.add_argument(
        "--min-agreement",
        type=float,
        default=MIN_AGREEMENT,
        metavar="SHARE",
        help="of rows of scores with the float model's top-1, and of integers that are its own; "
        "where it is surely less (95 %% confidence) a result is wrong (%(default)s)",
    )


def add_mcpu(parser: argparse.ArgumentParser) -> None:
    """Add the CPU that TVM generates code for."""
    parser.add_argument(
        "--mcpu", metavar="CPU", help="for the target; 'none' leaves it out (host's)"
    )


def add_timeout(parser: argparse.ArgumentParser, seconds: float) -> None:
    """Add how long a TVM process may take; `seconds` without the option."""
    parser.add_argument(
        "--timeout",
        type=positive,
        default=seconds,
        metavar="S",
        help=f"per process ({seconds:g})",
    )


def add_memory_limit(parser: argparse.ArgumentParser) -> None:
    """Add how much memory a TVM process may use, in GiB."""
    parser.add_argument(
        "--memory-limit", type=positive, metavar="GIB", help="per process (90%% of the machine)"
    )


def add_experiments(parser: argparse.ArgumentParser, what: str) -> None:
    """Add a trace to go back to, and how long for; `what` the seconds are for."""
    parser.add_argument("trace", type=Path, help="a trace's folder inside a run")
    parser.add_argument(
        "--seconds", type=positive, default=600.0, metavar="S", help=f"for {what} (600)"
    )
    add_trust(parser, "a run")


def add_trust(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the confirmation that `what` came from somebody whose programs may run here."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help=f"start what {what} that was not made here names: its interpreter, its model",
    )


def add_tuning(parser: argparse.ArgumentParser) -> None:
    """Add how long to tune, and schedules that are there."""
    parser.add_argument(
        "--tune",
        type=not_negative,
        default=0.0,
        metavar="S",
        help="tune the kernels of the float model and of what runs for so long, all together, and "
        "time both with and without; what was tried is kept for the next run (%(default)g: do not)",
    )
    parser.add_argument(
        "--tuning-records",
        type=Path,
        metavar="FILE",
        help="time both with the schedules of this file too, and tune nothing: a log of AutoTVM's, "
        "or the folder tuning/ of a run, which has one for each model",
    )


def add_rpc(parser: argparse.ArgumentParser) -> None:
    """Add the device that models run on."""
    parser.add_argument(
        "--rpc", metavar="HOST:PORT", help="run on a device, which this TVM RPC tracker has"
    )
    parser.add_argument("--rpc-key", metavar="K", help="of the device to ask the tracker for")


def add_out(parser: argparse.ArgumentParser, name: str) -> None:
    """Add the output folder; `name` says how it is called without the option."""
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"default: runs/{name}")


def add_open(parser: argparse.ArgumentParser) -> None:
    """Add that the page is opened."""
    parser.add_argument(
        "--open", action="store_true", help="open the page in the browser as soon as it is there"
    )


def at_least_one(text: str) -> int:
    """The value of an option that counts. Raises ArgumentTypeError or ValueError for any other."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def not_negative(text: str) -> float:
    """The value of an option that may be zero. Raises ArgumentTypeError or ValueError for less."""
    value = _number(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError("must be a number from 0 on")
    return value


def positive(text: str) -> float:
    """The value of an option above zero. Raises ArgumentTypeError or ValueError for any other."""
    value = _number(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("must be positive")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
