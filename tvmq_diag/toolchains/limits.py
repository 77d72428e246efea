"""What a TVM process may use, and what it uses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Limits:
    """What a TVM process may use: `timeout` in seconds, `memory` in bytes of resident memory."""

    timeout: float
    memory: int


def resident_bytes(pid: int) -> int:
    """Resident memory of a process in bytes; 0 where /proc does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def available_bytes() -> int:
    """The memory that processes can still take without swapping; 0 where /proc does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        named = (line.split() for line in lines)
        return next(int(words[1]) * 1024 for words in named if words[0] == "MemAvailable:")
    except (OSError, ValueError, IndexError, StopIteration):
        return 0


def usable_bytes() -> int:
    """The memory that a TVM process may use unless told otherwise: 90 % of the machine's."""
    return int(0.9 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
