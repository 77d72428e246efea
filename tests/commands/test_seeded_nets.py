"""Three of torchvision's seeded nets, through the script that tells whether they are nets."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from support.paths import ROOT

from tvmq_diag.toolchains.toolchain import Toolchain

NETS = ("squeezenet1_1", "resnet18", "alexnet")
"""At 64 by 64 pixels some 40 s of one core for each seed."""


@pytest.mark.slow
@pytest.mark.parametrize("net", NETS)
def test_two_images_differ_and_two_seeds_have_one_verdict(net: str, relay: Toolchain) -> None:
    words = [
        sys.executable,
        str(ROOT / "scripts" / "seeded_nets.py"),
        net,
        "--input-shape",
        "1,3,64,64",
    ]
    process = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    row = re.search(rf"^ *{net} +([\d.]+)% +works.*works", process.stdout, re.M)
    assert process.returncode == 0 and row is not None, process.stdout + process.stderr
    assert float(row[1]) > 1
