"""What a person sees while a compile runs: one moving line, or a line a stage in a log file."""

from __future__ import annotations

import time

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from ..results.run import Result
from ..toolchains.follower import Progress
from .plan import Observer


class Live:
    """Shows progress on `console` (stderr) for as long as it is open."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._what = ""
        self._stage = ""
        self._began = time.monotonic()

    def observer(self) -> Observer:
        """The callbacks for a session."""
        return Observer(begin=self.begin, progress=self.progress, decided=self.decided)

    def begin(self, what: str) -> None:
        """A process for `what` starts."""
        self.close()
        self._what, self._stage, self._began = what, "", time.monotonic()
        if self._console.is_terminal:
            self._status = self._console.status(f"{escape(what)}: starting TVM")
            self._status.start()
        else:
            self._console.print(f"{escape(what)}: starting TVM")

    def progress(self, progress: Progress) -> None:
        """It got on."""
        if self._status is not None:
            seconds = time.monotonic() - self._began
            where = f"{progress.stage} · {progress.pass_name}".rstrip(" ·")
            self._status.update(
                f"{escape(self._what)}: {escape(where)} "
                f"[dim]({progress.count} {progress.of}, {seconds:.0f} s)[/dim]"
            )
        elif progress.stage != self._stage:
            self._console.print(f"{escape(self._what)}: {escape(progress.stage)}")
        self._stage = progress.stage

    def decided(self, result: Result) -> None:
        """A verdict is known: its headline stays on the screen."""
        self.close()
        seconds = time.monotonic() - self._began
        self._console.print(
            f"{escape(result.verdict.headline)} [dim]({seconds:.0f} s)[/dim]", highlight=False
        )

    def close(self) -> None:
        """Take the moving line away."""
        if self._status is not None:
            self._status.stop()
            self._status = None
