"""How a TVM process ended, and the last of what it printed."""

from __future__ import annotations

import enum
import signal
from dataclasses import dataclass
from pathlib import Path


class How(enum.Enum):
    """In which way a process ended."""

    FINISHED = "finished"
    SIGNAL = "signal"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    INTERRUPTED = "interrupted"


_TAIL_BYTES = 20_000


@dataclass(frozen=True)
class Ending:
    """How a child ended: its exit code or signal, seconds, peak bytes."""

    how: How
    code: int | None
    seconds: float
    peak_bytes: int
    tail: str

    @property
    def signal_name(self) -> str | None:
        """SIGSEGV and the like, for a child that a signal ended."""
        if self.code is None or self.code >= 0:
            return None
        try:
            return signal.Signals(-self.code).name
        except ValueError:
            return f"signal {-self.code}"


def output_tail(output: Path) -> str:
    """The last of what a process printed. Raises OSError."""
    with output.open("rb") as file:
        file.seek(max(0, output.stat().st_size - _TAIL_BYTES))
        return file.read().decode("utf-8", "replace")
