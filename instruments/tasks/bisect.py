"""The pass and the op that a wrong result comes from, in the dialect of the job."""

from __future__ import annotations

from .. import dialects
from ..bisection import bisection
from ..protocol.jobs import BisectJob


def main(job: BisectJob) -> int:
    """Run a job; 0: done, 1: the journal has a fault that says why not."""
    return bisection.bisect(job, dialects.get(job.dialect).suspect(job))
