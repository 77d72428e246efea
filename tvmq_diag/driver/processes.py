"""The TVM processes of a run: each in its turn, and beside it those that are sure to be wanted.

What is asked for, and in which order, is decided by one thread, which takes what was started ahead
when it comes to it. So neither results nor files depend on how many processes there are.
"""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..instruments.protocol.jobs import TracedJob
from ..toolchains import process
from ..toolchains.follower import Progress
from ..toolchains.limits import available_bytes
from ..trace.ending import Ending, How
from .plan import Plan
from .room import Room

Watch = Callable[[Progress], None]

_THREADS = 64
"""That wait for room: what is started ahead beyond these waits for one of them."""

_FIRST_PEAK = 2 * 2**30
"""bytes that a process may come to take, as long as none has ended: a ResNet-50's does."""

IMPORTING = ("start", "import")
PREPARING = (*IMPORTING, "prepare")
"""Stages of what the processes of a run share: the first leaves it for the others."""


@dataclass(eq=False)
class _Ahead:
    """A job that was started before its turn, or waits for room."""

    job: TracedJob
    shares: tuple[str, ...] = PREPARING
    started: bool = False
    unwanted: bool = False
    ending: Future[Ending] = field(default_factory=Future)


class Processes:
    """At most `plan.jobs` at a time, and of those started ahead only as many as memory suffices
    for.

    `room` is where they, and what else runs, take room. `beside` is told of each that was started
    ahead how it gets on; None: it has ended.
    """

    def __init__(self, plan: Plan, beside: Callable[[str, Progress | None], None]) -> None:
        self.room = Room(plan.jobs)
        self._plan = plan
        self._beside = beside
        self._ahead: dict[str, _Ahead] = {}
        self._begun = 0
        self._lock = threading.Lock()
        self._wanted: _Ahead | None = None
        self._stage = IMPORTING[0]
        self._peak = _FIRST_PEAK
        self._threads = ThreadPoolExecutor(_THREADS) if plan.jobs > 1 else None

    def run(self, job: TracedJob, watch: Watch, again: Callable[[], None] = lambda: None) -> Ending:
        """Run a job to its end, or wait for that if it was started ahead: see process.run. One that
        was killed while others ran is run again by itself, into an empty folder; `again` is told.
        """
        ahead = self._ahead.get(job.trace)
        ending = _STOPPED
        try:
            if ahead is not None and ahead.job != job:
                self.give_up(job.trace)
            elif ahead is not None:
                del self._ahead[job.trace]
                ending = self._await(ahead)
            if ending is _STOPPED and not self.room.stop.is_set():
                with self.room.turn():
                    ending = self._process(job, watch)
            if ending is _CROWDED:
                with self.room.alone():
                    again()
                    shutil.rmtree(Path(job.trace), ignore_errors=True)
                    ending = self._process(job, watch)
        except KeyboardInterrupt:  # while it waited for room
            self.room.stop.set()
            return _STOPPED
        return ending

    def ahead(
        self,
        what: str,
        job: TracedJob,
        watch: Watch = lambda progress: None,
        unless: Callable[[], bool] = lambda: False,
        shares: tuple[str, ...] = PREPARING,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Have a job done before its turn, when there is room and the first process of the run is
        through the stages that this one shares with it. Where only one process may run at a time,
        it is not, nor where `unless`, asked when there is room, says that it need not be. `then` is
        called when it has come to its end, before anybody who waits for it hears of that."""
        if self._threads is None or job.trace in self._ahead or self.room.stop.is_set():
            return
        entry = self._ahead[job.trace] = _Ahead(job, shares)

        def told(progress: Progress) -> None:
            watch(progress)
            self._beside(what, progress)

        def is_unwanted() -> bool:
            return entry.unwanted

        def work() -> Ending:
            if not self.room.take(lambda: self._may_start(entry), is_unwanted):
                return _STOPPED
            try:
                if unless():
                    self._ahead.pop(job.trace, None)
                    return _STOPPED
                entry.started = True
                ending = self._process(job, told, is_unwanted)
            finally:
                self.room.give_back()
                self._beside(what, None)
            if ending.how == How.FINISHED:
                then()
            return ending

        entry.ending = self._threads.submit(work)

    def give_up(self, trace: str) -> None:
        """Nobody is going to ask for the job of this trace: end it if it was started ahead, and
        leave nothing of it behind."""
        entry = self._ahead.pop(trace, None)
        if entry is not None:
            entry.unwanted = True
            if not entry.ending.cancel():
                entry.ending.result()
            self._discard(entry)

    def close(self) -> None:
        """End what runs; what was started ahead and never wanted leaves nothing behind."""
        self.room.stop.set()
        if self._threads is None:
            return
        self._threads.shutdown(wait=True, cancel_futures=True)
        for entry in self._ahead.values():
            self._discard(entry)
        self._ahead.clear()

    def _discard(self, entry: _Ahead) -> None:
        if entry.started:
            shutil.rmtree(Path(entry.job.trace), ignore_errors=True)

    def _await(self, ahead: _Ahead) -> Ending:
        self._wanted = ahead
        self.room.look_again()
        try:
            return ahead.ending.result()
        except KeyboardInterrupt:
            self.room.stop.set()
            return ahead.ending.result()
        finally:
            self._wanted = None

    def _process(
        self, job: TracedJob, watch: Watch, unwanted: Callable[[], bool] = lambda: False
    ) -> Ending:
        def told(progress: Progress) -> None:
            if begun == 1:
                self._reach(progress.stage)
            watch(progress)

        plan = self._plan
        with self._lock:
            self._begun += 1
            begun, beside = self._begun, self.room.running > 1
        try:
            ending = process.run(
                plan.toolchain,
                job,
                plan.limits,
                told,
                stop=lambda: self.room.stop.is_set() or unwanted(),
            )
        finally:
            self._reach(_ENDED)
        self._peak = max(self._peak, ending.peak_bytes)
        killed = ending.how is How.SIGNAL and ending.code == -signal.SIGKILL
        return _CROWDED if killed and (beside or self._begun > begun) else ending

    def _reach(self, stage: str) -> None:
        if self._stage in PREPARING and self._stage != stage:
            self._stage = stage
            self.room.look_again()

    def _may_start(self, entry: _Ahead) -> bool:
        """Is there room for what was started ahead, beside what somebody waits for?"""
        if not self.room.is_free:
            return False
        if entry is self._wanted:
            return True
        if self.room.is_kept or (self._wanted is not None and not self._wanted.started):
            return False
        # A list, which is made at once: other threads add to what is iterated over.
        waiting = (one for one in list(self._ahead.values()) if not one.started)
        if entry is not next((one for one in waiting if self._stage not in one.shares), None):
            return False
        return not self.room.running or available_bytes() > 2 * self._peak


_ENDED = "ended"
_STOPPED = Ending(How.INTERRUPTED, None, 0.0, 0, "")
_CROWDED = Ending(How.SIGNAL, -signal.SIGKILL, 0.0, 0, "")
"""Killed from outside, as Linux does where memory is short, and perhaps others took that."""
