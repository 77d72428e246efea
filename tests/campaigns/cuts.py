"""A journal that ends anywhere, as when the power fails: what was written whole is read."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

from support.runs import TINY

from tvmq_diag.analysis import recording
from tvmq_diag.instruments.protocol.schema import JOURNAL
from tvmq_diag.trace import reader

from .campaign import Campaign, expect

WHOLE = TINY / "traces" / "int4"


def trial(random: Random, folder: Path) -> None:
    """Read and judge it, cut off behind any of its bytes."""
    text = (WHOLE / JOURNAL).read_bytes()
    cut = random.randrange(len(text) + 1)
    trace = folder / "trace"
    shutil.copytree(WHOLE, trace)
    (trace / JOURNAL).write_bytes(text[:cut])
    loaded = reader.load(trace)
    begun = text[:cut].count(b'"kind":"enter"')
    lost = begun - len(loaded.pass_runs)
    expect(lost in (0, 1), f"cut at {cut}: {lost} of {begun} passes are not read")
    expect(len(loaded.problems) <= 1, f"cut at {cut}: {loaded.problems}")
    recording.judged(loaded)


CAMPAIGN = Campaign("cuts", "all lines that are whole are read, and judged", trial, share=0.5)
