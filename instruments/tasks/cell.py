"""One cell of the support matrix, in the dialect of the job."""

from __future__ import annotations

from .. import dialects
from ..protocol.jobs import CellJob


def main(job: CellJob) -> int:
    """Run a job; see the dialect's module for the exit codes."""
    return int(dialects.module(job.dialect, "cell").main(job))
