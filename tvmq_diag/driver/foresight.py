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

    Of a failure that the float model may share not before `float_runs` says that it does not.
    """

    def __init__(
        self,
        configuration: Configuration,
        toolchain: str,
        trace: Path,
        tell: Callable[[Verdict], None],
        float_runs: Callable[[], bool],
    ) -> None:
        self._configuration = configuration
        self._toolchain = toolchain
        self._trace = trace
        self._tell = tell
        self._float_runs = float_runs
        self._verdict: Verdict | None = None
        self._done = False

    def __call__(self, progress: Progress) -> None:
        """The compile got on."""
        if self._done or not progress.blamed:
            return
        verdict = self._verdict = self._verdict or self._foreseen()
        if verdict is None:
            self._done = True
        elif verdict.stage not in judge.FLOAT_STAGES or self._float_runs():
            self._done = True
            self._tell(verdict)

    def _foreseen(self) -> Verdict | None:
        """None where it is said when the compile has ended."""
        try:
            recorded = reader.load(self._trace)
        except UsageError:
            return None
        if recorded.failure is None:
            return None
        return judge.of_failure(self._configuration, self._toolchain, recorded, _LOOKING)
