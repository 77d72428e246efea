"""One cell of the support matrix, in the dialect of the job."""

from __future__ import annotations

from .. import dialects
from ..protocol.jobs import CellJob


def main(job: CellJob) -> int:
    """Run a job; returns 0 whatever the steps came to."""
    return dialects.get(job.dialect).cell(job).all()
