"""A finished run, as version 0.1.0 wrote it before this project had rooms: tests/data/tiny.

    trace_quantize.py --model tiny --dtype int8/int8/int32,int4 --no-reference

on TVM 0.16, without its page, the float model's trace and the outputs; paths are made up.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from .paths import ROOT

TINY = ROOT / "tests" / "data" / "tiny"


def copied(folder: Path) -> Path:
    """A copy of the run in a folder that does not exist yet, to write into."""
    shutil.copytree(TINY, folder)
    return folder
