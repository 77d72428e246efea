"""Disks of 16 KB to 64 MB, on which a run or a trace finds no place at some moment."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

from support.paths import ROOT

from tvmq_diag.toolchains import resolution

from .campaign import Campaign, expect


def run(random: Random, folder: Path) -> None:
    """A whole run on it: an exit code, a line, no traceback."""
    with _disk(random, folder) as disk:
        out = ["--out", str(disk / "run")]
        arguments = ["--model", "tiny", "--dtype", "int4", "--no-reference", *out]
        done = subprocess.run(
            [sys.executable, "-m", "tvmq_diag", "trace", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        said = done.stdout + done.stderr
        expect("Traceback" not in said, said[-2000:])
        expect(done.returncode in (1, 3), f"exit code {done.returncode}: {said[-300:]}")
        if done.returncode == 3:
            errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
            expect(len(errors) == 1, f"not one line: {done.stderr[-500:]}")
        else:
            expect((disk / "run" / "index.html").exists(), "exit code 1 without a page")


SCRIPT = """
import sys
import numpy as np, tvm
from tvm import relay
from instruments import QuantizeTrace

class Own(Exception): pass

def module(size):
    x = relay.var("x", shape=(1, 4))
    y = x
    for i in range(size):
        y = relay.add(y, relay.const(np.full((1, 4), i, "float32")))
    return tvm.IRModule.from_expr(relay.Function([x], y))

before = tvm.transform.PassContext.__init__
try:
    with QuantizeTrace(sys.argv[1]):
        with tvm.transform.PassContext(opt_level=3):
            for size in range(1, int(sys.argv[2]), 7):
                relay.transform.FoldConstant()(relay.transform.InferType()(module(size)))
        raise Own
except Own:
    print("own", tvm.transform.PassContext.__init__ is before)
"""


def trace(random: Random, folder: Path) -> None:
    """QuantizeTrace in a script: the exception that leaves is the person's."""
    script = folder / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    with _disk(random, folder) as disk:
        done = subprocess.run(
            [
                resolution.resolve(echo=print).python,
                script,
                disk / "trace",
                str(random.randint(2, 200)),
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
    expect("own True" in done.stdout.splitlines(), done.stdout[-2000:])


@contextlib.contextmanager
def _disk(random: Random, folder: Path) -> Iterator[Path]:
    """A new disk, of a size on a logarithmic scale. Root only."""
    disk = folder / "disk"
    disk.mkdir()
    size = int(16 * 2 ** random.uniform(0, 12))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(disk)]
    subprocess.run(mount, check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _root() -> str | None:
    return None if os.geteuid() == 0 else "root, who may mount a disk"


CAMPAIGNS = (
    Campaign("disk-runs", "one line, and exit code 3; or the run, whole", run, lacks=_root),
    Campaign("disk-traces", "the person's own exception leaves", trace, lacks=_root),
)
