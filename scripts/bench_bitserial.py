"""What do TVM's bitserial ops cost, beside the same op in int8 and in float?

Two convolutions and a dense in each form: is it equal to numpy's, its milliseconds, and how many
times int8's. The forms take turns; each ratio is pair by pair, with its 95%% interval. `nbit` is as
the quantizer counts, with the sign; TVM's op alone multiplies values without one.

examples:
  %(prog)s
  %(prog)s --rounds 30
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tvmq_diag.commands import cli
from tvmq_diag.errors import SetupError
from tvmq_diag.measurements import paired
from tvmq_diag.toolchains import resolution
from tvmq_diag.toolchains.toolchain import Toolchain

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = ROOT / "tests" / "support" / "scripts" / "bitserial_rounds.py"

BESIDE = "int8"
"""The form that the others are held against."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--rounds", type=int, default=15, help="at least 2 (%(default)s)")
    parser.add_argument("--tvm-python", type=Path, metavar="PATH", help="a TVM of your own")


def run(options: argparse.Namespace) -> int:
    """Measure and print. Raises SetupError."""
    chain = resolution.resolve(tvm_python=options.tvm_python, echo=print)
    lines = _measured(chain, max(2, options.rounds))
    for op in dict.fromkeys(line["op"] for line in lines):
        Console(width=110).print(_table(op, [line for line in lines if line["op"] == op]))
    return 0


def _measured(chain: Toolchain, rounds: int) -> list[dict[str, object]]:
    """What the TVM process told, line by line."""
    done = subprocess.run(
        [str(chain.python), str(ROUNDS), str(rounds)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SetupError(f"the TVM process failed: {done.stderr.strip().splitlines()[-1:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _table(op: object, lines: list[dict[str, object]]) -> Table:
    times: dict[str, list[float]] = {}
    for line in lines:
        if "ms" in line:
            times.setdefault(str(line["form"]), []).append(float(str(line["ms"])))
    table = Table("form", "as numpy", "ms", f"x {BESIDE}", title=str(op), box=None)
    for line in lines:
        form = str(line["form"])
        if "refused" in line:
            table.add_row(form, "refused", "", str(line["refused"]).rpartition(": ")[2])
        elif "equal" in line:
            median = f"{statistics.median(times[form]):.3f}"
            compared = paired.ratio(times[form], times[BESIDE])
            table.add_row(form, "yes" if line["equal"] else "NO", median, str(compared))
    return table


if __name__ == "__main__":
    sys.exit(cli.script(sys.modules[__name__]))
