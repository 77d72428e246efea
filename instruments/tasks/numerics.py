"""Each op's error, in the dialect of the job."""

from __future__ import annotations

from .. import dialects
from ..protocol.jobs import NumericsJob


def main(job: NumericsJob) -> int:
    """Run a job; see the dialect's module for the exit codes."""
    return int(dialects.module(job.dialect, "numerics").main(job))
