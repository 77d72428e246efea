"""Which schedules a build fell back on: what TVM says of it once, in its log."""

from __future__ import annotations

import contextlib
import logging
import re
from dataclasses import dataclass, field
from typing import Iterator

_NOT_TUNED = "have not been tuned"
_FALLBACK = re.compile(
    r"Cannot find (?:tuning records|config) for.*?(?:key=|workload=)(.*?)(?:\n|$)", re.S
)


@dataclass
class Scheduled:
    """`warning` is TVM's sentence, None if it found records for all; `fallbacks` the workloads."""

    warning: str | None = None
    fallbacks: list[str] = field(default_factory=list)


@contextlib.contextmanager
def collected() -> Iterator[Scheduled]:
    """Collect what autotvm logs inside the block (tvm/autotvm/task/dispatcher.py,
    FallbackContext: a sentence for the whole build, and a debug line a workload)."""
    schedules = Scheduled()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            message = record.getMessage()
            match = _FALLBACK.search(message)
            if match:
                schedules.fallbacks.append(match.group(1).strip())
            elif _NOT_TUNED in message:
                schedules.warning = message.partition(". ")[0]

    logger = logging.getLogger("autotvm")
    handler, level = Handler(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield schedules
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
