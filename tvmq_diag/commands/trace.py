"""Trace TVM's quantizer on a model and say which pass and op rejects a dtype, and why.

examples:
  %(prog)s --dtype int4                       ResNet-50, all three dtypes int4
  %(prog)s --dtype int8,int4,int2,int1,bool   a sweep, one table
  %(prog)s --model tiny --dtype int4          a built-in net: seconds, no PyTorch
  %(prog)s --dtype int8/int8/int32:nbit=4     4-bit values in an int8 container
  %(prog)s --model onnx:net.onnx --dtype int4 --out runs/mine
  %(prog)s --tvm-python ~/my-tvm/bin/python --dtype int4

a configuration is DTYPE, or INPUT/WEIGHT/ACTIVATION, with :FIELD=VALUE behind it
(nbit, nbit_input, nbit_weight, nbit_activation, calibrate_mode, global_scale, weight_scale,
rounding, skip_conv_layers=0+2, skip_dense_layer=0; on Relax realize and pipeline).

exit code: 0 all that was asked for works; 1 something does not (rejected, crashed, timed out,
wrong, not quantized); 2 bad usage; 3 the tool or its set-up failed; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from ..analysis import judge
from ..configuration import parse_list
from ..driver import session
from ..reports.pages import index, page
from ..reports.text import terminal
from ..results.verdict import Run
from .common import (
    add_model,
    fresh_directory,
    model_facts,
    plan,
    stem,
)
from .running import carry_out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `trace`."""
    parser.add_argument(
        "--dtype", required=True, metavar="CONF[,CONF…]", help="configurations to try, see above"
    )
    add_model(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: runs/MODEL-DTYPE-TIME")
    parser.add_argument(
        "--no-reference",
        action="store_true",
        help="leave out int8/int8/int32, the benchmark, and the float model unless a verdict "
        "needs it",
    )
    parser.add_argument(
        "--min-cosine",
        type=float,
        default=judge.MIN_COSINE,
        metavar="C",
        help="to the float model; below it a result is wrong (%(default)s)",
    )
    parser.add_argument(
        "--save-ir", action="store_true", help="also keep the text of every changed module"
    )


def run(options: argparse.Namespace) -> int:
    """Do it; returns the exit code."""
    screen, progress = Console(), Console(stderr=True)
    directory = fresh_directory(options.out, stem(options.model, parse_list(options.dtype)))
    asked = plan(
        options,
        progress.print,
        reference=not options.no_reference,
        save_ir=options.save_ir,
        min_cosine=options.min_cosine,
    )
    work = Run(directory, model_facts(asked))
    try:
        carry_out(asked, work, progress)
    finally:
        if work.results:
            index.write(directory.parent)
            _print(screen, work, directory / page.NAME)
    return 0 if session.works(work) else 1


def _print(screen: Console, work: Run, written: Path) -> None:
    for result in work.with_role("asked"):
        screen.print(terminal.verdict_lines(result))
    if len(work.results) > 1:
        screen.print(terminal.sweep_table(work))
    screen.print(f"report: {written}", highlight=False, soft_wrap=True, markup=False)
