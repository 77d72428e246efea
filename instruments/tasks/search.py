"""The fewest bits that keep a model right, in the dialect of the job: see instruments.search."""

from __future__ import annotations

import time
from pathlib import Path

from .. import dialects
from ..inputs import target
from ..numerics.op_errors import journalled
from ..protocol.jobs import SearchJob
from ..recording.journal import Journal
from ..search.score import Bounds
from ..search.search import search
from ..search.trials import TimeUp, Trials

_TRIALS = 0.5
"""Of its seconds, at least, are for trials, however long it takes to build the model."""


def main(job: SearchJob) -> int:
    """Run a job; 0: searched, 1: the journal has a fault that says why not."""
    return journalled(job, "search", lambda journal: _search(journal, job))


def _search(journal: Journal, job: SearchJob) -> None:
    began = time.perf_counter()
    side = dialects.get(job.dialect).numerics(job)
    journal.event("stage", name="import")
    model = side.load()
    text, _ = target.host(job.mcpu)
    host = target.parse(text)
    probed = side.saved(Path(job.calibrated)) if job.calibrated else None
    if probed is None:
        journal.event("stage", name="calibrate")
        probed = side.probe(model, host, side.batches(model, journal.progress("calibration")))
    journal.event("stage", name="lower")
    batches = side.judged_on(model)
    ranges = side.ranges(probed)
    scalable, executor = side.scalable(probed, host, batches[0])
    journal.event("stage", name="run")
    bounds = Bounds(job.min_cosine, job.min_agreement)
    seconds = max(job.seconds - (time.perf_counter() - began), job.seconds * _TRIALS)
    trials = Trials(journal, scalable, executor, ranges, batches, bounds, seconds)
    try:
        search(trials, job.may_skip)
    except TimeUp:
        journal.event("facts", values={"time_up": True})
    journal.event("facts", values={"spent": trials.spent})
    journal.event("end")
