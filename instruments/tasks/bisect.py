"""The pass and the op of a wrong result, in the dialect of the job."""

from __future__ import annotations

from .. import dialects
from ..protocol.jobs import BisectJob


def main(job: BisectJob) -> int:
    """Run a job; see the dialect's module for the exit codes."""
    return int(dialects.module(job.dialect, "bisection").main(job))
