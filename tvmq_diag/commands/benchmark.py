"""Time a model's configurations in turn with the float model and PyTorch, and kernel by kernel.

examples:
  %(prog)s --model torchvision:resnet18
  %(prog)s --model onnx:net.onnx --dtype int8/int8/int32,int16 --rounds 50
  %(prog)s --mcpu none --json > times.json
  %(prog)s --rpc localhost:9190 --rpc-key pi --target "llvm -mtriple=aarch64-linux-gnu"

With --rpc a device is asked for at TVM's RPC tracker, and all models run there; its TVM must have
LLVM, as what is sent is compiled on loading.

exit code: 0 measured; 1 no configuration could be built; 2 bad usage; 3 the tool or its set-up
failed; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from .. import foreign
from ..analysis import judge, tvm_error
from ..configuration import parse_list
from ..driver import benchmarking
from ..driver.compiler import Compiler
from ..driver.plan import Plan
from ..driver.progress import Live
from ..errors import SetupError, UsageError
from ..measurements.benchmark import FLOAT
from ..reports.pages import benchmark as page
from ..reports.pages import index
from ..reports.text import benchmark as text
from ..reports.text import console
from ..reports.text.console import print_plain
from ..results.benchmark_record import RECORD, to_json
from ..results.run import Result, Role, Run
from ..results.verdict import WORKS, Verdict
from ..toolchains import scratch
from .facts import plan_facts
from .folders import fresh_directory, stem
from .options import add_configurations, add_model, add_out, add_rpc
from .outcome import Outcome
from .plans import plan_of, rpc_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `benchmark`."""
    add_configurations(parser, "int8/int8/int32")
    add_model(parser)
    add_out(parser, "benchmark-MODEL-TIME")
    add_rpc(parser)
    parser.add_argument("--target", metavar="TARGET", help="of that device (this machine's)")


def run(options: argparse.Namespace) -> Outcome:
    """Measure, print, write."""
    screen, progress = console.screen(), console.progress()
    rpc = rpc_of(options)
    if options.target and rpc is None:
        raise UsageError("--target is for a device behind --rpc; here use --mcpu")
    name = f"benchmark-{stem(options.model, parse_list(options.dtype))}"
    directory = fresh_directory(options.out, name)
    plan = replace(plan_of(options, progress.print), rpc=rpc, target=options.target)
    directory.mkdir(parents=True, exist_ok=True)
    work = Run(directory, plan_facts(plan))
    live = Live(progress)
    try:
        with scratch.folder() as folder:
            sides = _build(plan, work, folder, live, progress)
            if len(sides) > 1:
                live.begin("benchmark: all models in turn")
                if benchmarking.measure(plan, work, sides, live.progress):
                    raise KeyboardInterrupt
    finally:
        live.close()
    if work.benchmark is None:
        return Outcome(1)
    if not work.benchmark.times:
        raise SetupError(f"nothing could be timed; {work.benchmark.problems[-1]}")
    record = to_json(work.benchmark, work.facts)
    foreign.write(directory / RECORD, json.dumps(record, indent=2) + "\n")
    written = page.write(work.benchmark, list(sides), work.facts.to_json(), directory)
    screen.print(text.table(work.benchmark))
    print_plain(screen, f"report: {written}")
    index.update(directory.parent)
    return Outcome(record={"page": written, **record})


def _build(plan: Plan, work: Run, scratch: Path, live: Live, progress: Console) -> dict[str, Path]:
    """Compile float and each configuration; those that cannot be are named and left out."""
    compiler = Compiler(plan, work.directory, scratch, live.observer())
    floats = compiler.float_model()
    if floats.interrupted:
        raise KeyboardInterrupt
    if floats.artifact is None:
        failed = floats.trace.failure
        why = failed.message if failed is not None else floats.ending.how.value
        raise SetupError(f"the float model itself cannot be built: {tvm_error.sentence(why)}")
    chain = plan.toolchain.name
    sides = {FLOAT: floats.artifact}
    work.results.append(Result(Verdict(FLOAT, chain, WORKS), Role.FLOAT, floats.trace))
    for configuration in plan.configurations:
        compiled = compiler.compile(configuration)
        live.close()
        if compiled.interrupted:
            raise KeyboardInterrupt
        if compiled.artifact is not None:
            sides[configuration.text] = compiled.artifact
            built = Verdict(configuration.text, chain, WORKS)
            work.results.append(Result(built, Role.REQUESTED, compiled.trace))
            continue
        judged = judge.of_failure(configuration, chain, compiled.trace, compiled.ending)
        progress.print(judged.headline, highlight=False, markup=False)
    return sides
