"""The peaks that a benchmark's roof is made of, beside those of other programs, in turn.

float32: a product of two large matrices by numpy's OpenBLAS. int8: one of bytes by PyTorch's
oneDNN. Memory: numpy adding one large array to another. The best of all rounds counts, on as many
threads as there are cores, or as are asked for. A product has other things to do than to multiply:
it is below the peak, or at it.

examples:
  %(prog)s
  %(prog)s --tvm relax --threads 1 --rounds 10

exit code: 0; 2 usage; 3 set-up.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tvmq_diag.commands import cli
from tvmq_diag.errors import SetupError
from tvmq_diag.toolchains import resolution
from tvmq_diag.toolchains.recipes import TORCH

ROOT = Path(__file__).resolve().parent.parent

_THREADS = ("TVM_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")

MEASURED = """
import json, sys, time
import numpy as np, torch
from instruments import peaks

threads, rounds = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
size = 2048
a, b = (np.random.default_rng(0).standard_normal((size, size)).astype("float32") for _ in "ab")
ia, ib = (torch.randint(-127, 127, (size, size), dtype=torch.int8) for _ in range(2))
x, y = (np.ones(1 << 24, "float32") for _ in range(2))
work = {
    "float32": (2.0 * size**3, lambda: a @ b),
    "int8": (2.0 * size**3, lambda: torch._int_mm(ia, ib)),
    "memory": (12.0 * len(x), lambda: np.add(x, y, out=x)),
}
best = {}

def keep(name, rate):
    best[name] = max(best.get(name, 0.0), rate or 0.0)

for _ in range(rounds):
    ours = peaks.peaks(threads)
    keep("ours float32", ours["float_ops"])
    keep("ours int8", ours["int8_ops"])
    keep("ours memory", ours["streams"][-1][1])
    for name, (amount, run) in work.items():
        try:
            run()
            for _ in range(5):
                began = time.perf_counter()
                run()
                keep(name, amount / (time.perf_counter() - began))
        except Exception as error:  # of a PyTorch that has no such product
            print(f"{name}: {error}", file=sys.stderr)
print(json.dumps(best))
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--tvm", default="relay", metavar="NAME", help="(%(default)s)")
    parser.add_argument(
        "--threads",
        type=int,
        default=len(os.sched_getaffinity(0)),
        metavar="N",
        help="(%(default)s)",
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="(%(default)s)")


def run(options: argparse.Namespace) -> int:
    """Measure and print; returns 0. Raises SetupError."""
    chain = resolution.resolve(
        options.tvm,
        echo=lambda line: print(line, file=sys.stderr),
        layers=frozenset({TORCH}),
    )
    words = [str(chain.python), "-c", MEASURED, str(options.threads), str(options.rounds)]
    environment = {**chain.environment, **dict.fromkeys(_THREADS, str(options.threads))}
    done = subprocess.run(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise SetupError(f"it ended with {done.returncode}")
    best = json.loads(done.stdout.splitlines()[-1])
    table = Table("", "our loop", "another program", "that is of ours")
    for name, unit in (("float32", "Gop/s"), ("int8", "Gop/s"), ("memory", "GB/s")):
        ours, theirs = best.get(f"ours {name}", 0.0), best.get(name, 0.0)
        share = f"{theirs / ours:.2f}" if ours and theirs else ""
        table.add_row(name, *(f"{v / 1e9:,.1f} {unit}" if v else "" for v in (ours, theirs)), share)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(cli.script(sys.modules[__name__]))
