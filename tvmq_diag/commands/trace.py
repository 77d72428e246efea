"""Trace TVM's quantizer on a model and say which pass and op rejects a dtype, and why.

examples:
  %(prog)s --dtype int4                       ResNet-50, all three dtypes int4
  %(prog)s --dtype int8,int4,int2,int1,bool   a sweep, one table
  %(prog)s --model tiny --dtype int4          a built-in net: seconds, no PyTorch
  %(prog)s --dtype int8/int8/int32:nbit=4     4-bit values in an int8 container
  %(prog)s --model onnx:net.onnx --dtype int4 --out runs/mine
  %(prog)s --tvm-python ~/my-tvm/bin/python --dtype int4

a configuration is DTYPE, or INPUT/WEIGHT/ACTIVATION, with :FIELD=VALUE behind it
(nbit, nbit_input, nbit_weight, nbit_activation, calibrate_mode, global_scale, weight_scale).

exit code: 0 all that was asked for works; 1 something does not (rejected, crashed, timed out,
wrong, not quantized); 2 bad usage; 3 the tool or its set-up failed; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from rich.console import Console

from reports import index, page, terminal

from .. import session, toolchain, verdict
from ..configuration import Configuration, parse_list
from ..errors import UsageError
from ..outcome import Run
from ..progress import Live
from ..runner import Limits, physical_bytes
from .common import circumstances, fresh_directory, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `trace`."""
    parser.add_argument(
        "--dtype", required=True, metavar="CONF[,CONF…]", help="configurations to try, see above"
    )
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
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: runs/MODEL-DTYPE-TIME")
    parser.add_argument(
        "--no-reference",
        action="store_true",
        help="leave out int8/int8/int32, the benchmark, and the float model unless a verdict "
        "needs it",
    )
    parser.add_argument(
        "--tvm-python", type=Path, metavar="PATH", help="the Python of a TVM of your own"
    )
    parser.add_argument(
        "--mcpu", metavar="CPU", help="for the target; 'none' leaves it out (host's)"
    )
    parser.add_argument("--opt-level", type=int, default=3, choices=range(4), help="(3)")
    parser.add_argument(
        "--timeout", type=positive, default=1800.0, metavar="S", help="per configuration (1800)"
    )
    parser.add_argument(
        "--memory-limit", type=positive, metavar="GIB", help="per process (90%% of the machine)"
    )
    parser.add_argument(
        "--min-cosine",
        type=float,
        default=verdict.MIN_COSINE,
        metavar="C",
        help="to the float model; below it a result is wrong (%(default)s)",
    )
    parser.add_argument(
        "--save-ir", action="store_true", help="also keep the text of every changed module"
    )


def run(options: argparse.Namespace) -> int:
    """Do it; returns the exit code."""
    screen, progress = Console(), Console(stderr=True)
    configurations = parse_list(options.dtype)
    model = session.Model(options.model, _shape(options.input_shape), options.seed, options.weights)
    if options.weights and not options.model.startswith("torchvision:"):
        raise UsageError("--weights is for torchvision: models; other sources bring their own")
    directory = fresh_directory(options.out, _stem(model, configurations))
    chain = toolchain.resolve(tvm_python=options.tvm_python, echo=progress.print)
    memory = options.memory_limit * 2**30 if options.memory_limit else 0.9 * physical_bytes()
    plan = session.Plan(
        model,
        configurations,
        chain,
        Limits(options.timeout, int(memory)),
        mcpu=options.mcpu,
        opt_level=options.opt_level,
        reference=not options.no_reference,
        save_ir=options.save_ir,
        min_cosine=options.min_cosine,
    )
    directory.mkdir(parents=True, exist_ok=True)
    work = Run(directory, _facts(plan))
    live = Live(progress)
    try:
        session.Session(plan, work, live.observer()).go()
    finally:
        live.close()
    written = page.write(work)
    index.write(directory.parent)
    _print(screen, work, written)
    if work.facts.get("interrupted"):
        raise KeyboardInterrupt
    return 0 if session.works(work) else 1


def _print(screen: Console, work: Run, written: Path) -> None:
    for result in work.with_role("asked"):
        screen.print(terminal.verdict_lines(result))
    if len(work.results) > 1:
        screen.print(terminal.sweep_table(work))
    screen.print(f"report: {written}", highlight=False, soft_wrap=True, markup=False)


def _facts(plan: session.Plan) -> dict[str, object]:
    model = plan.model
    return {
        **circumstances(),
        "model": model.source,
        "input_shape": model.shape,
        "seed": model.seed,
        "weights": model.weights or "seeded random",
        "toolchain": plan.toolchain.name,
        "python": str(plan.toolchain.python),
        "min_cosine": plan.min_cosine,
    }


def _stem(model: session.Model, configurations: list[Configuration]) -> str:
    """The beginning of the run's name: the model and what was asked."""
    short = re.sub(r"[^\w.-]+", "_", model.source.rpartition(":")[2].rpartition("/")[2])
    what = configurations[0].slug if len(configurations) == 1 else f"sweep{len(configurations)}"
    return f"{short}-{what}"


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
