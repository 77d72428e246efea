"""A verdict told as soon as its headline is known, while its compile is still being looked into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..analysis import judge
from ..configuration import Configuration
from ..errors import UsageError
from ..results.verdict import Verdict
from ..toolchains.follower import Progress
from ..trace import reader
from ..trace.ending import Ending, How

_LOOKING = Ending(How.FINISHED, 1, 0.0, 0, "")
"""Of a process that raised, and has not ended."""


class Foresight:
    """Follows the compile of a configuration into `trace`; `tell` gets the verdict, once, when
    pass, op, message and knob are on record: the map and the reduction change nothing of them.

    Not of a failure that the float model may share: that takes the float model.
    """

    def __init__(
        self,
        configuration: Configuration,
        toolchain: str,
        trace: Path,
        tell: Callable[[Verdict], None],
    ) -> None:
        self._configuration = configuration
        self._toolchain = toolchain
        self._trace = trace
        self._tell = tell
        self._done = False

    def __call__(self, progress: Progress) -> None:
        """The compile got on."""
        if self._done or not progress.blamed:
            return
        self._done = True
        try:
            recorded = reader.load(self._trace)
        except UsageError:
            return  # it is said when the compile has ended
        verdict = judge.of_failure(self._configuration, self._toolchain, recorded, _LOOKING)
        if recorded.failure is not None and verdict.stage not in judge.FLOAT_STAGES:
            self._tell(verdict)
