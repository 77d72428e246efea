"""What does tracing cost? Ratios of traced to untraced: quantize() and relay.build(), or on Relax
this project's quantizer and tvm.compile().

TVM's own PassTimingInstrument and PrintAfterAll do the same work beside it. The modes take turns;
each ratio is pair by pair, with its 95%% interval. ResNet-50 takes about four minutes a round.

examples:
  %(prog)s                                        ResNet-50, int8/int8/int32
  %(prog)s --model torchvision:resnet18 --rounds 8
  %(prog)s --tvm relax --model torchvision:resnet18
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tvmq_diag.commands import cli
from tvmq_diag.configuration import REFERENCE, adapted
from tvmq_diag.errors import SetupError
from tvmq_diag.instruments.protocol.jobs import ModelSource, OverheadJob
from tvmq_diag.measurements import paired
from tvmq_diag.toolchains import needs, process, resolution
from tvmq_diag.toolchains.toolchain import Toolchain

MODES = ["untraced", "traced", "PassTimingInstrument", "PrintAfterAll"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--model", default="torchvision:resnet50", help="(%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds, at least 2 (5)")
    parser.add_argument("--modes", default=",".join(MODES), help="which to compare (all)")
    parser.add_argument("--tvm", metavar="NAME", help="relay, relax, … (relay)")
    parser.add_argument("--tvm-python", type=Path, metavar="PATH", help="a TVM of your own")


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    layers = needs.of_model(options.model)
    chain = resolution.resolve(options.tvm, options.tvm_python, echo=print, layers=layers)
    job = OverheadJob(
        ModelSource(options.model),
        adapted(REFERENCE, chain.dialect)[0].qconfig or {},
        rounds=max(2, options.rounds),
        modes=options.modes.split(","),
        dialect=chain.dialect,
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "job.json"
        file.write_text(json.dumps(job.to_json()), encoding="utf-8")
        times = _measure(chain, file, job.modes)
    for mode, seconds in times.items():
        compared = paired.ratio(seconds, times["untraced"])
        print(f"{mode:22} min {min(seconds):7.2f} s   x untraced {compared}")
    if "traced" in times:
        print(f"ratio {paired.ratio(times['traced'], times['untraced'])}")
    return 0


def _measure(chain: Toolchain, job: Path, modes: list[str]) -> dict[str, list[float]]:
    """Seconds of each mode's counted rounds, printed as they come."""
    times: dict[str, list[float]] = {mode: [] for mode in modes}
    own: list[float] = []
    program = [str(chain.python), str(process.INSTRUMENTS), str(job)]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if not line.startswith('{"round"'):
                continue
            measured = json.loads(line)
            counted = "" if measured["round"] else "  (warm-up)"
            print(
                f"round {measured['round']}  {measured['mode']:22} {measured['s']:7.2f} s{counted}"
            )
            if measured["round"]:
                times[measured["mode"]].append(measured["s"])
                own += [measured["own"] / measured["s"]] if "own" in measured else []
    if child.returncode:
        raise SetupError(f"the TVM process ended with exit code {child.returncode}")
    if own:
        print(f"in the recorder's own callbacks: {statistics.median(own):.1%} of a traced compile")
    return times


if __name__ == "__main__":
    sys.exit(cli.script(sys.modules[__name__]))
