"""What a person sees while compiles run: a moving line each, or a line a stage in a log file."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from ..results.run import Result
from ..results.verdict import Verdict
from ..toolchains.follower import Progress
from .plan import Observer


@dataclass
class _Running:
    """A process as far as it has got, and when it began."""

    began: float
    stage: str = ""
    where: str = "starting TVM"


class Live:
    """Shows progress on `console` (stderr) for as long as it is open: of what has its turn, and of
    what was started ahead of that, from whatever thread it comes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._what = ""
        self._running: dict[str, _Running] = {}
        self._ended: set[str] = set()
        self._said: dict[str, str] = {}
        self._began = time.monotonic()
        self._lock = threading.RLock()

    def observer(self) -> Observer:
        """The callbacks for a session."""
        return Observer(
            begin=self.begin,
            progress=self.progress,
            beside=self.beside,
            foreseen=self.foreseen,
            decided=self.decided,
        )

    def begin(self, what: str) -> None:
        """A process for `what` starts, or, started ahead, has its turn."""
        with self._lock:
            self.close()
            self._running.pop(self._what, None)
            self._what = what
            if what not in self._running and what not in self._ended:
                self._start(what)
            if self._console.is_terminal:
                self._status = self._console.status(self._lines())
                self._status.start()

    def progress(self, progress: Progress) -> None:
        """What has its turn got on."""
        self._got_on(self._what, progress)

    def beside(self, what: str, progress: Progress | None) -> None:
        """What was started ahead got on; None: it has ended."""
        with self._lock:
            if progress is not None:
                self._got_on(what, progress)
            else:
                self._ended.add(what)
                if what != self._what:
                    self._running.pop(what, None)

    def foreseen(self, verdict: Verdict) -> None:
        """A headline is known before the rest of its verdict: it stays on the screen."""
        with self._lock:
            self._said[verdict.configuration] = verdict.headline
            self._say(verdict.headline, verdict.configuration)
            if verdict.knob is not None:
                self._console.print(f"  knob   {escape(verdict.knob)}", highlight=False)

    def decided(self, result: Result) -> None:
        """A verdict is there: its headline stays on the screen, unless that was said already."""
        with self._lock:
            self.close()
            verdict = result.verdict
            again = self._said.pop(verdict.configuration, None) == verdict.headline
            looked = f"{verdict.configuration}: looked into, op by op"
            self._say(looked if again else verdict.headline, self._what)

    def close(self) -> None:
        """Take the moving lines away."""
        with self._lock:
            if self._status is not None:
                self._status.stop()
                self._status = None

    def _start(self, what: str) -> _Running:
        running = self._running[what] = _Running(time.monotonic())
        if not self._console.is_terminal:
            self._console.print(f"{escape(what)}: starting TVM")
        return running

    def _got_on(self, what: str, progress: Progress) -> None:
        with self._lock:
            running = self._running.get(what) or self._start(what)
            if not self._console.is_terminal and progress.stage != running.stage:
                self._console.print(f"{escape(what)}: {escape(progress.stage)}")
            running.stage = progress.stage
            where = f"{progress.stage} · {progress.pass_name}".rstrip(" ·")
            running.where = f"{where} ({progress.count} {progress.of})"
            if self._status is not None:
                self._status.update(self._lines())

    def _lines(self) -> str:
        """A line for each that runs, what has its turn first."""
        names = sorted(self._running, key=lambda what: what != self._what)
        return "\n  ".join(self._line(what, self._running[what]) for what in names)

    @staticmethod
    def _line(what: str, running: _Running) -> str:
        seconds = time.monotonic() - running.began
        return f"{escape(what)}: {escape(running.where)} [dim]({seconds:.0f} s)[/dim]"

    def _say(self, text: str, what: str) -> None:
        running = self._running.get(what)
        seconds = time.monotonic() - (running.began if running is not None else self._began)
        self._console.print(f"{escape(text)} [dim]({seconds:.0f} s)[/dim]", highlight=False)
