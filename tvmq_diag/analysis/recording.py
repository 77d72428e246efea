"""A trace that was recorded in somebody's own script, as a run of one configuration."""

from __future__ import annotations

import shlex
from pathlib import Path

from .. import __version__
from ..results.facts import RunFacts
from ..results.run import Result, Role, Run
from ..trace import reader
from . import judge


def as_run(folder: Path) -> Run:
    """The trace in a folder, judged by itself, as a run whose only result it is.

    Raises UsageError when there is none, or a newer tvmq_diag wrote it.
    """
    recorded = reader.load(folder)
    facts = RunFacts(
        command=shlex.join(recorded.facts.command),
        created=recorded.facts.time,
        toolchain="in process",
        tool_version=__version__,
    )
    return Run(folder, facts, [Result(judge.of_recording(recorded), Role.REQUESTED, recorded)])
