"""Trace TVM's quantizer on a model and say which pass and op rejects a dtype, and why.

examples:
  %(prog)s --dtype int4                       ResNet-50, all three dtypes int4
  %(prog)s --dtype int8,int4,int2,int1,bool   a sweep, one table
  %(prog)s --model tiny --dtype int4          a built-in net: seconds, no PyTorch
  %(prog)s --dtype int8/int8/int32,int16 --target pi5,k230   for boards, without one
  %(prog)s --dtype int8/int8/int32 --target pi5 --rpc HOST:9190 --rpc-key pi   on the board
  %(prog)s --dtype int8/int8/int32:nbit=4     4-bit values in an int8 container
  %(prog)s --tvm relax --model digits --dtype int8/int8/int32:nbit_weight=4:realize=packed
  %(prog)s --model onnx:net.onnx --dtype int4 --out runs/mine
  %(prog)s --model torch:net.pt --input-shape 'data=1,3,224,224;mask=1,16' --dtype int4
  %(prog)s --tvm-python ~/my-tvm/bin/python --dtype int4
  %(prog)s --model onnx:quantized.onnx --dtype as-is,as-is:fq2i   one that arrives quantized
  %(prog)s --script mine.py -- --fast         a script of your own, with its arguments

a configuration is DTYPE, or INPUT/WEIGHT/ACTIVATION, with :FIELD=VALUE behind it
(nbit, nbit_input, nbit_weight, nbit_activation, calibrate_mode, global_scale, weight_scale,
rounding, skip_conv_layers=0+2 or none, skip_dense_layer=0, and whatever other field the QConfig of
that TVM has; on Relax realize, pipeline, per_channel, skip and group). weight_bits=8443 has a digit
for each weight that is quantized; @FILE is a configuration with these from a file, as a search
leaves it (traces/CONF/bits.toml). On Relay realize=bitserial computes what has few bits by TVM's
bitserial ops; on Relax realize=packed keeps weights of few bits several to a byte.
as-is is the model as it comes, for one that arrives quantized; as-is:fq2i the same after TVM's
FakeQuantizationToInteger. ONNX models are compared with ONNX Runtime where that is installed.

exit code: 0 all that was asked for works, or compiles for another machine; 1 something does not
(rejected, crashed, timed out, wrong, not judged, not quantized, or the model is not imported); 2
bad usage, or a model that cannot be had; 3 the tool or its set-up failed; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from .. import targets
from ..analysis import gains
from ..analysis.accuracy import Bounds
from ..configuration import for_target, parse_list
from ..driver import session, tuned_models
from ..driver.plan import Plan
from ..errors import UsageError
from ..instruments.protocol.jobs import Rpc
from ..reports.pages import index
from ..reports.pages import run as run_page
from ..reports.text import bits as bits_text
from ..reports.text import console, sweep, verdict
from ..reports.text import targets as target_table
from ..reports.text.console import print_plain
from ..results import store
from ..results.run import Role, Run
from . import browser, trace_script
from .facts import plan_facts
from .folders import fresh_directory, stem
from .options import add_bounds, add_model, add_open, add_out, add_rpc, add_tuning, not_negative
from .outcome import Outcome
from .plans import plan_of, rpc_of
from .running import carry_out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `trace`."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--dtype", metavar="CONF[,CONF…]", help="configurations to try, see above")
    what.add_argument(
        "--script",
        type=Path,
        metavar="FILE",
        help="run a script of your own instead of a model, in the TVM's interpreter; what follows "
        "-- are its arguments",
    )
    parser.add_argument("arguments", nargs="*", metavar="ARG", help=argparse.SUPPRESS)
    add_model(parser)
    parser.add_argument(
        "--target",
        action="append",
        metavar="TARGET",
        help="compile for another machine, as far as its code: a target as TVM writes it, or one "
        f"of {', '.join([targets.HOST, *targets.BOARDS])}; several with ; between, names with "
        "commas too, or the option again",
    )
    add_rpc(parser)
    add_out(parser, "MODEL-DTYPE-TIME")
    add_open(parser)
    parser.add_argument(
        "--no-reference",
        action="store_true",
        help="leave out int8/int8/int32, the search, the benchmark, and the float model unless a "
        "verdict needs it",
    )
    add_bounds(parser)
    parser.add_argument(
        "--search",
        type=not_negative,
        default=60.0,
        metavar="S",
        help="where a configuration does not work, look so long for the fewest bits that do, by "
        "trials of a simulation, which have half of that at least when it is compiled; 0: do not "
        "(%(default)g)",
    )
    add_tuning(parser)
    parser.add_argument(
        "--save-ir", action="store_true", help="also keep the text of every changed module"
    )


def run(options: argparse.Namespace) -> Outcome:
    """Trace, print, write. Raises UsageError, SetupError."""
    if options.script is not None:
        return trace_script.run(options)
    if options.arguments:
        raise UsageError(f"{options.arguments[0]!r} is no option; ARGs are for --script")
    screen, progress = console.screen(), console.progress()
    directory = fresh_directory(options.out, stem(options.model, parse_list(options.dtype)))
    asked = plan_of(options, progress.print)
    plan = replace(
        asked,
        reference=not options.no_reference,
        save_ir=options.save_ir,
        bounds=Bounds(options.min_cosine, options.min_agreement),
        search=options.search,
        tune=options.tune,
        tuning_records=_records(options),
    )
    plan = _for_targets(plan, targets.parse_list(options.target or []), rpc_of(options))
    work = Run(directory, plan_facts(plan))
    try:
        carry_out(plan, work, progress, first=browser.opening(options.open, progress))
    finally:
        if work.results:
            _print(screen, work, directory / run_page.NAME)
            index.update(directory.parent)
    return Outcome(0 if session.works(work) else 1, store.to_json(work))


def _records(options: argparse.Namespace) -> Path | None:
    """The file of somebody's tuning records. Raises UsageError where that cannot be."""
    records: Path | None = options.tuning_records
    if options.no_reference and (options.tune or records):
        raise UsageError("what is tuned is timed, and --no-reference leaves the benchmark out")
    if options.tune and records:
        raise UsageError("--tune searches, --tuning-records applies what was found: give one")
    if records is not None and not records.exists():
        raise UsageError(f"--tuning-records {records}: there is no such file")
    if records is not None:
        tuned_models.check_given(records)
    return records.absolute() if records is not None else None


def _for_targets(plan: Plan, names: list[str], rpc: Rpc | None) -> Plan:
    """Each configuration for each of the targets, if any were asked for; with a device, all of the
    run on that. Raises UsageError."""
    if plan.mcpu and names and targets.HOST not in names:
        raise UsageError("--mcpu is for this machine; a --target says its own: 'llvm … -mcpu=NAME'")
    if rpc is None:
        targeted = [for_target(one, name) for one in plan.configurations for name in names]
        return replace(plan, configurations=targeted or plan.configurations)
    if len(names) != 1 or names == [targets.HOST]:
        raise UsageError("--rpc is one device: say with one --target what to compile for it")
    if plan.tune or plan.tuning_records:
        raise UsageError("schedules are tuned here only: leave --tune out where --rpc runs models")
    # What goes on looking for causes does so here, and the device is for one at a time.
    return replace(
        plan, target=targets.resolve(names[0]), rpc=rpc, jobs=1, explore=False, errors=False
    )


def _print(screen: Console, work: Run, written: Path) -> None:
    for result in work.with_role(Role.REQUESTED):
        screen.print(verdict.lines(result))
    taken = any(model.taken for ways in work.facts.tuned.values() for model in ways)
    if work.tuning is not None and not taken:  # else a verdict has what it gained
        screen.print(f"tuning: {gains.not_gained(work.tuning)}", style="dim")
    if len(work.results) > 1:
        screen.print(sweep.table(work))
        if work.benchmark is not None and work.benchmark.disturbed:
            screen.print(f"times: {work.benchmark.disturbed}", style="dim")
        for line in bits_text.lines(work):
            screen.print(line)
        by_target = target_table.table(work)
        if by_target is not None:
            screen.print(by_target)
    if written.exists():
        print_plain(screen, f"report: {written}")
