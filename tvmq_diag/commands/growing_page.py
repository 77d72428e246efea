"""The page of a run that goes on, written again between its processes from the first verdict on."""

from __future__ import annotations

import contextlib
import datetime
import shlex
import time
from collections.abc import Callable
from pathlib import Path

from ..decoding import Damage
from ..driver.plan import Turn
from ..errors import UsageError
from ..reports.pages import run as run_page
from ..reports.views.kept import Kept
from ..reports.views.under_way import UnderWay
from ..results.run import Role, Run

SHARE = 0.03
"""Of the time that the run has taken, what writing its page may take of it."""


class GrowingPage:
    """Writes the page of `work` whenever a process is about to start and something is new; where
    that would take more than SHARE, it says only how far the run is. Never beside a process: times
    are measured there.

    `first` gets the page when it is there for the first time.
    """

    def __init__(self, work: Run, first: Callable[[Path], None] = lambda page: None) -> None:
        self._work = work
        self._first = first
        self._kept = Kept()
        self._began = datetime.datetime.now()
        self._clock = time.monotonic()
        self._turn = Turn("", (), timed=False)
        self._new = False
        self._written = False
        self._spent = 0.0
        self._last = 0.0

    def turn(self, turn: Turn) -> None:
        """The next step has its turn: what the one before added is in the run."""
        self._turn, self._new = turn, True

    def begin(self, what: str) -> None:
        """A process for `what` is about to start. What cannot be written now is written at the end,
        or said then."""
        if not self._work.with_role(Role.REQUESTED):
            return
        began = time.monotonic()
        with contextlib.suppress(OSError, Damage, UsageError):
            if self._new and self._affordable(began):
                run_page.write(self._work, self._under_way(what), self._kept)
                self._new = False
                self._last = time.monotonic() - began
                self._show()
            else:
                run_page.write_band(self._work, self._under_way(what))
        self._spent += time.monotonic() - began

    def finish(self) -> None:
        """Write the page as it stays."""
        run_page.write(self._work, kept=self._kept)
        self._show()

    def _affordable(self, now: float) -> bool:
        """The first is, whatever it takes: somebody waits for it."""
        return not self._written or self._spent + self._last <= SHARE * (now - self._clock)

    def _show(self) -> None:
        if not self._written and self._work.results:
            self._written = True
            self._first(self._work.directory / run_page.NAME)

    def _under_way(self, what: str) -> UnderWay:
        now = datetime.datetime.now()
        command = shlex.join(["python", "scripts/make_report.py", str(self._work.directory)])
        turn = self._turn
        # A step of one process is called as that is.
        fuller = max(turn.running, what, key=len)
        both = f"{turn.running}: {what}"
        running = fuller if turn.running in fuller and what in fuller else both
        to_come = tuple(one for one in turn.to_come if one != what)
        return UnderWay(running, now, to_come, turn.timed, self._began, now, command)
