"""Schedules of kernels, tried and timed: see instruments.tuning."""

from __future__ import annotations

from pathlib import Path

from .. import dialects
from ..inputs import target
from ..numerics.op_errors import journalled
from ..protocol.jobs import TuneJob
from ..recording.journal import Journal
from ..tuning.search import Search


def main(job: TuneJob) -> int:
    """Run a job; 0: tuned, 1: the journal has a fault that says why not."""
    return journalled(job, "tuning", lambda journal: _tune(journal, job))


def _tune(journal: Journal, job: TuneJob) -> None:
    threads = target.threads()
    journal.event("facts", values={"seconds": job.seconds, "threads": threads})
    journal.event("stage", name="tune")
    search = Search(dialects.get(job.dialect).tasks(job), journal, Path(job.records))
    search.all(job.seconds)
    journal.event("end")
