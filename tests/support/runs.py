"""Finished runs, as version 0.1.0 wrote them before this project had rooms. tests/data/tiny:

    trace_quantize.py --model tiny --dtype int8/int8/int32,int4 --no-reference

on TVM 0.16, without its page, the float model's trace and the outputs; paths are made up. Of
tests/data/older/measured, the same at int4 and with the reference, are kept the verdicts with what
was measured: benchmark, numbers, and a bisection. Of tests/data/older/crashed, the tiny model on
Relax (TVM 0.27), the verdicts and the trace of a compile that ended by a signal.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from .paths import ROOT

TINY = ROOT / "tests" / "data" / "tiny"
MEASURED = ROOT / "tests" / "data" / "older" / "measured"
CRASHED = ROOT / "tests" / "data" / "older" / "crashed"


def copied(folder: Path) -> Path:
    """A copy of the run in a folder that does not exist yet, to write into."""
    shutil.copytree(TINY, folder)
    return folder
