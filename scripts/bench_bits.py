"""What bits of each weight gain over as many for all: the search's own trials, side by side.

Each NET is a model and, behind an @, a TVM. At each average the search tries both on all inputs,
in simulation: the cosine to float of the worst input, in the mean, and the share of equal top-1.
A net of one's own comes as a file, as torch:FILE (see --model of trace_quantize.py).

examples:
  %(prog)s                                             digits, ResNet-18, MobileNetV2
  %(prog)s digits@relax torch:efficientnet.pt2@relax   on this project's quantizer for Relax

exit code: 0 the assigned bits are better at each average, 1 not at each; 2 bad usage; 3 set-up.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tvmq_diag.commands import cli, options, plans
from tvmq_diag.configuration import REFERENCE
from tvmq_diag.errors import UsageError
from tvmq_diag.instruments.protocol.jobs import SearchJob
from tvmq_diag.measurements import bit_search
from tvmq_diag.measurements.bit_search import BitSearch, BitTrial
from tvmq_diag.toolchains import process

NETS = ["digits@relay", "torchvision:resnet18@relay", "torchvision:mobilenet_v2@relax"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("nets", nargs="*", default=NETS, metavar="NET[@TVM]", help=" ".join(NETS))
    parser.add_argument(
        "--seconds", type=options.positive, default=120.0, metavar="S", help="a net (120)"
    )
    options.add_check(parser)


def run(given: argparse.Namespace) -> int:
    """Print the table; returns the exit code. Raises UsageError, SetupError."""
    table = Table("net", box=None)
    for heading in ("bits", "for all: worst", "mean", "top-1", "each: worst", "mean", "top-1", ""):
        table.add_column(heading, justify="right")
    better = []
    with tempfile.TemporaryDirectory() as folder:
        for number, net in enumerate(given.nets):
            search = _search(net, given, Path(folder) / str(number))
            for same, each in _pairs(search):
                better.append(each.worst > same.worst)
                mark = "better" if better[-1] else "equal" if each == same else "not better"
                bits = f"{each.bits:.2f}"
                table.add_row(Path(net).name, bits, *_figures(same), *_figures(each), mark)
    Console(width=None if sys.stdout.isatty() else 110).print(table)
    return 0 if better and all(better) else 1


def _search(net: str, given: argparse.Namespace, folder: Path) -> BitSearch:
    model, _, tvm = net.partition("@")
    if os.isatty(2):
        print(f"{net}: {given.seconds:g} s of trials", file=sys.stderr)
    parser = argparse.ArgumentParser()
    options.add_configurations(parser, REFERENCE.text)
    options.add_model(parser)
    words = ["--model", model, *(["--tvm", tvm] if tvm else [])]
    parsed = parser.parse_args(words)
    parsed.check_on, parsed.check_samples = given.check_on, given.check_samples
    plan = plans.plan_of(parsed, lambda line: print(line, file=sys.stderr))
    job = SearchJob(
        str(folder),
        plan.toolchain.dialect,
        plan.model,
        qconfig=REFERENCE.qconfig,
        check=plan.check,
        seconds=given.seconds,
    )
    ending = process.run(plan.toolchain, job, plan.limits)
    search = bit_search.load(folder)
    if search.faults or not search.trials:
        raise UsageError(f"{net}: {'; '.join(search.faults) or ending.tail[-300:]}")
    return search


def _pairs(search: BitSearch) -> list[tuple[BitTrial, BitTrial]]:
    """As many bits for all weights, and the best assignment of no more bits than these, of all
    averages where both were tried on all inputs; the most bits first."""
    whole = [t for t in search.trials if t.inputs == search.inputs and t.nbit_input == 8]
    uniform = [t for t in whole if t.weight_bits and t.is_uniform]
    pairs = []
    for same in sorted(uniform, key=lambda trial: -trial.bits):
        assigned = [t for t in whole if t.weight_bits and same.bits - 0.5 < t.bits <= same.bits]
        pairs.append((same, max(assigned, key=lambda trial: trial.worst)))
    return pairs


def _figures(trial: BitTrial) -> list[str]:
    same = "" if trial.same is None else f"{trial.same:.0%}"
    return [f"{trial.worst:.4f}", f"{trial.cosine:.4f}", same]


if __name__ == "__main__":
    sys.exit(cli.script(sys.modules[__name__]))
