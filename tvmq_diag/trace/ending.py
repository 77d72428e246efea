"""How a TVM process ended, and the last of what it printed."""

from __future__ import annotations

import enum
import signal
from pathlib import Path

import msgspec


class How(enum.Enum):
    """In which way a process ended."""

    FINISHED = "finished"
    SIGNAL = "signal"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    INTERRUPTED = "interrupted"


_TAIL_BYTES = 20_000


class Ending(msgspec.Struct, frozen=True):
    """How a process ended: `code` is its exit code, or minus its signal, None if neither is known;
    it took `seconds` and at most `peak_bytes` of memory, and printed `tail` last."""

    how: How
    code: int | None
    seconds: float
    peak_bytes: int
    tail: str

    @property
    def signal_name(self) -> str | None:
        """SIGSEGV and the like, for a process that a signal ended; else None."""
        if self.code is None or self.code >= 0:
            return None
        try:
            return signal.Signals(-self.code).name
        except ValueError:
            return f"signal {-self.code}"


def output_tail(output: Path) -> str:
    """The last 20 kB of what a process printed. Raises OSError."""
    with output.open("rb") as file:
        file.seek(max(0, output.stat().st_size - _TAIL_BYTES))
        return file.read().decode("utf-8", "replace")
