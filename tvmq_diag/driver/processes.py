"""The TVM processes of a run: each in its turn, and beside it those that are sure to be wanted.

What is asked for, and in which order, is decided by one thread, which takes what was started ahead
when it comes to it. So neither results nor files depend on how many processes there are.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..instruments.protocol.jobs import TracedJob
from ..toolchains import process
from ..toolchains.follower import Progress
from ..toolchains.limits import available_bytes
from ..trace.ending import Ending, How
from .plan import Plan

Watch = Callable[[Progress], None]

_POLL_S = 0.1
_THREADS = 64
"""That wait for room: what is started ahead beyond these waits for one of them."""

_FIRST_PEAK = 2 * 2**30
"""bytes that a process may come to take, as long as none has ended: a ResNet-50's does."""

PREPARING = ("start", "import", "prepare")
"""Stages of what the processes of a run share: the first leaves it for the others."""


@dataclass(eq=False)
class _Ahead:
    """A job that was started before its turn, or waits for room."""

    job: TracedJob
    started: bool = False
    ending: Future[Ending] = field(default_factory=Future)


class Processes:
    """At most `plan.jobs` at a time, and of those started ahead only as many as memory suffices
    for. What measures times runs in `alone`.

    `beside` is told of each that was started ahead how it gets on; None: it has ended.
    """

    def __init__(self, plan: Plan, beside: Callable[[str, Progress | None], None]) -> None:
        self._plan = plan
        self._beside = beside
        self._ahead: dict[str, _Ahead] = {}
        self._changed = threading.Condition()
        self._running = 0
        self._begun = 0
        self._waiting = 0
        self._wanted: _Ahead | None = None
        self._alone = False
        self._shared = threading.Event()
        self._stop = threading.Event()
        self._peak = _FIRST_PEAK
        self._threads = ThreadPoolExecutor(_THREADS) if plan.jobs > 1 else None

    def run(self, job: TracedJob, watch: Watch) -> Ending:
        """Run a job to its end, or wait for that if it was started ahead: see process.run. One that
        was killed while others ran is run again by itself, into an empty folder."""
        ahead = self._ahead.pop(job.trace, None)
        ending = _STOPPED
        try:
            if ahead is not None and ahead.job == job:
                ending = self._await(ahead)
            if ending is _STOPPED and not self._stop.is_set():
                with self.turn():
                    ending = self._process(job, watch)
            if ending is _CROWDED:
                with self.alone():
                    shutil.rmtree(Path(job.trace), ignore_errors=True)
                    ending = self._process(job, watch)
        except KeyboardInterrupt:  # while it waited for room
            self._stop.set()
            return _STOPPED
        return ending

    def ahead(
        self,
        what: str,
        job: TracedJob,
        watch: Watch = lambda progress: None,
        unless: Callable[[], bool] = lambda: False,
    ) -> None:
        """Have a job done before its turn, when there is room and the first process of the run has
        left what all share. Where only one process may run at a time, it is not, nor where
        `unless`, asked when there is room, says that it need not be."""
        if self._threads is None or job.trace in self._ahead or self._stop.is_set():
            return
        entry = self._ahead[job.trace] = _Ahead(job)

        def told(progress: Progress) -> None:
            watch(progress)
            self._beside(what, progress)

        def work() -> Ending:
            if not self._take(lambda: self._may_start(entry)):
                return _STOPPED
            try:
                if unless():
                    self._ahead.pop(job.trace, None)
                    return _STOPPED
                entry.started = True
                return self._process(job, told)
            finally:
                self._give_back()
                self._beside(what, None)

        entry.ending = self._threads.submit(work)

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Room for a process that somebody waits for: it goes before what is started ahead."""
        with self._changed:
            self._waiting += 1
        try:
            self._take(lambda: self._running < self._plan.jobs)
        finally:
            with self._changed:
                self._waiting -= 1
        try:
            yield
        finally:
            self._give_back()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Nothing runs beside what is inside of the block: it measures times."""
        try:
            with self._changed:
                self._alone = True
                while self._running:
                    self._changed.wait(_POLL_S)
        except KeyboardInterrupt:
            self._stop.set()  # which ends what is to run in the block
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()

    def close(self) -> None:
        """End what runs; what was started ahead and never wanted leaves nothing behind."""
        self._stop.set()
        if self._threads is None:
            return
        self._threads.shutdown(wait=True, cancel_futures=True)
        for entry in self._ahead.values():
            if entry.started:
                shutil.rmtree(Path(entry.job.trace), ignore_errors=True)
        self._ahead.clear()

    def _await(self, ahead: _Ahead) -> Ending:
        with self._changed:
            self._wanted = ahead
            self._changed.notify_all()
        try:
            return ahead.ending.result()
        except KeyboardInterrupt:
            self._stop.set()
            return ahead.ending.result()
        finally:
            self._wanted = None

    def _process(self, job: TracedJob, watch: Watch) -> Ending:
        def told(progress: Progress) -> None:
            if progress.stage not in PREPARING:
                self._share()
            watch(progress)

        plan = self._plan
        with self._changed:
            self._begun += 1
            begun, beside = self._begun, self._running > 1
        try:
            ending = process.run(plan.toolchain, job, plan.limits, told, stop=self._stop)
        finally:
            self._share()
        self._peak = max(self._peak, ending.peak_bytes)
        killed = ending.how is How.SIGNAL and ending.code == -signal.SIGKILL
        return _CROWDED if killed and (beside or self._begun > begun) else ending

    def _share(self) -> None:
        with self._changed:
            self._shared.set()
            self._changed.notify_all()

    def _take(self, may: Callable[[], bool]) -> bool:
        """Wait for room and take it; False where the run is at its end."""
        with self._changed:
            while not may():
                if self._stop.is_set():
                    return False
                self._changed.wait(_POLL_S)
            self._running += 1
            return True

    def _give_back(self) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def _may_start(self, entry: _Ahead) -> bool:
        """Is there room for what was started ahead, beside what somebody waits for?"""
        if self._running >= self._plan.jobs or self._stop.is_set():
            return False
        if entry is self._wanted:
            return True
        after_another = self._waiting or (self._wanted is not None and not self._wanted.started)
        if self._alone or after_another or not self._shared.is_set():
            return False
        if entry is not next((one for one in self._ahead.values() if not one.started), None):
            return False
        return not self._running or available_bytes() > 2 * self._peak


_STOPPED = Ending(How.INTERRUPTED, None, 0.0, 0, "")
_CROWDED = Ending(How.SIGNAL, -signal.SIGKILL, 0.0, 0, "")
"""Killed from outside, as Linux does where memory is short, and perhaps others took that."""
