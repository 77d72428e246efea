"""Each op's error, in the dialect of the job."""

from __future__ import annotations

from .. import dialects
from ..numerics import op_errors
from ..protocol.jobs import NumericsJob


def main(job: NumericsJob) -> int:
    """Run a job; 0: measured, 1: the journal has a fault that says why not."""
    return op_errors.measure(job, dialects.get(job.dialect).numerics(job))
