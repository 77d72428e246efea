"""Go back to a failure that is on record, and look into it with each experiment in its own process.

Runs the compile of the record again up to the pass it failed in, and no further: the way to look
into a pass that killed its process, and to go on with a reduction whose time was up. What is found
is appended to the journal of the record.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from pathlib import Path

from .. import dialects, sandbox
from ..compilation import Compilation
from ..diagnosis.diagnosis import Failed, diagnose
from ..protocol.jobs import InvestigateJob
from ..quantize_trace import QuantizeTrace
from ..recording.journal import Journal
from ..recording.recorder import Recorder


def main(job: InvestigateJob) -> int:
    """Run a job; exit code 0: looked into, 1: the compile did not come to that pass again."""
    os.environ["TVM_NUM_THREADS"] = "1"  # forked processes have no thread pool
    record = Journal(Path(job.trace))
    record.event("investigation")
    folder = tempfile.mkdtemp(prefix="tvmq-investigate-")
    try:
        with QuantizeTrace(folder, dialect=job.dialect) as trace:
            again = dataclasses.replace(job, artifact=None)
            run = dialects.get(job.dialect).compilation(trace, again)
            trace.recorder.watcher = _Watcher(job, run, record, folder)
            run.all()
        reason = "run again, the compile did not come to the pass that failed"
    except Exception as error:
        reason = f"run again, the compile failed in another way: {error}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    record.event("skipped", what="op", reason=reason)
    return 1


class _Watcher:
    """Called when a pass begins, and all of the compile; at the one in question it looks into it
    and ends the process."""

    def __init__(self, job: InvestigateJob, run: Compilation, record: Journal, folder: str) -> None:
        self._job = job
        self._run = run
        self._record = record
        self._folder = folder
        self._remaining = job.at

    def __call__(self) -> None:
        recorder = self._run.trace.recorder
        if not self._there(recorder):
            return
        failure = self._job.error
        error = sandbox.Died() if failure is None else sandbox.again(*failure)
        path = recorder.around(list(recorder.stack), self._job.stage or recorder.stage)
        failed = Failed(path, error, recorder.qconfig, self._run.target)
        try:
            dialect = dialects.get(self._job.dialect)
            diagnose(self._record, dialect, failed, True, self._job.seconds)
        except Exception as fault:
            self._record.event("fault", where="investigate", message=str(fault)[:500])
        shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(0)  # there is no way out of a pass that does not run it

    def _there(self, recorder: Recorder) -> bool:
        """Is this what the compile is to stop before?"""
        if not recorder.stack:  # all of the compile
            return not self._job.at
        if recorder.stage == "import":
            return False
        self._remaining -= 1
        # What was prepared by another process did not begin here.
        return self._remaining == recorder.taken
