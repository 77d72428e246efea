"""A compile without what is ours: no hook on its passes, no snapshots, nothing looked into.

What TVM's own calls take for a job, to hold what a traced one takes against. Only how long each
stage took is on record.
"""

from __future__ import annotations

import contextlib
import dataclasses

from .. import dialects
from ..protocol.jobs import UntracedJob
from ..quantize_trace import QuantizeTrace


class _Clock(QuantizeTrace):
    """A trace that no pass is told to."""

    def watch(self, exits: contextlib.ExitStack) -> None:
        """Nothing."""


def main(job: UntracedJob) -> int:
    """Run a job; exit code 1 where the compile raises, which is nobody's business here."""
    again = dataclasses.replace(job, kept=None, artifact=None, calibrated=None, code=False)
    with _Clock(job.trace, dialect=job.dialect) as trace:
        trace.recorder.muted = True
        try:
            dialects.get(job.dialect).compilation(trace, again).all()
        except Exception:
            trace.stage("end")
            return 1
    return 0
