"""How far a run is, as its page says it while the run goes on."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

EVERY = 3
"""Seconds after which an open page looks for what is new; it does so less often when nothing is."""

EVERY_WHILE_TIMED = 30
"""The same while times are measured, which a page that is loaded and drawn would lengthen."""


@dataclass(frozen=True)
class UnderWay:
    """What runs, since when, and what is still to come; when the run began and this was written.

    Times are of this machine's clock; `make_final` is the command for a run that was killed.
    """

    running: str
    since: datetime.datetime
    to_come: tuple[str, ...]
    timed: bool
    began: datetime.datetime
    written: datetime.datetime
    make_final: str

    @property
    def every(self) -> int:
        """Seconds after which the page looks for what is new."""
        return EVERY_WHILE_TIMED if self.timed else EVERY
