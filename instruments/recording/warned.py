"""What TVM's Python warns of while it compiles: `warnings.warn`, and what its loggers say.

What its C++ warns of goes to stderr by itself (LOG(WARNING), include/tvm/runtime/logging.h), and is
read off what the process printed.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
import warnings
from typing import Any, Callable, Iterator

from .patch import Patch

LONGEST = 500
"""Characters of a warning that are kept."""
MOST = 100
"""Warnings that are told."""

Tell = Callable[[str, str, int], None]
"""Takes the text of a warning, and the file and the line that it comes from."""


@contextlib.contextmanager
def heard(tell: Tell) -> Iterator[None]:
    """Tell of what TVM's own modules warn of inside the block, each text of a line once.

    Warnings go on as they would: filters, handlers and the line that they name are as before. Also
    what a filter hides is told, and what was shown in this process already.
    """
    seen: set[tuple[str, str, int]] = set()

    def hear(text: str, file: str, line: int) -> None:
        one = (text[:LONGEST], file, line)
        if one not in seen and len(seen) < MOST:
            seen.add(one)
            tell(*one)

    with _WARNINGS.applied(), _LOGS.applied():
        _LISTENING.append(hear)
        try:
            yield
        finally:
            _LISTENING.remove(hear)


_LISTENING: list[Tell] = []


def _tell(text: str, file: str, line: int) -> None:
    for hear in list(_LISTENING):
        hear(text, file, line)


def _patch_warnings() -> Callable[[], None]:
    original = warnings.warn

    @functools.wraps(original)
    def warn(
        message: Any, category: Any = None, stacklevel: int = 1, *more: Any, **named: Any
    ) -> Any:
        caller = sys._getframe(1)
        if _is_tvm(str(caller.f_globals.get("__name__"))):
            with contextlib.suppress(Exception):
                _tell(str(message), caller.f_code.co_filename, caller.f_lineno)
        return original(message, category, stacklevel + 1, *more, **named)

    def undo() -> None:
        if warnings.warn is warn:  # else somebody has patched it since: theirs stays
            warnings.warn = original

    warnings.warn = warn
    return undo


def _patch_logs() -> Callable[[], None]:
    """By the class: a handler at the root would silence what Python prints without one."""
    original = logging.Logger.handle

    @functools.wraps(original)
    def handle(self: logging.Logger, record: logging.LogRecord) -> None:
        file = record.pathname.replace("\\", "/")
        if record.levelno >= logging.WARNING and "/tvm/" in file:
            with contextlib.suppress(Exception):
                _tell(record.getMessage(), record.pathname, record.lineno)
        original(self, record)

    def undo() -> None:
        if logging.Logger.handle is handle:
            logging.Logger.handle = original  # type: ignore[method-assign]

    logging.Logger.handle = handle  # type: ignore[method-assign]
    return undo


_WARNINGS, _LOGS = Patch(_patch_warnings), Patch(_patch_logs)


def _is_tvm(module: str) -> bool:
    return module.partition(".")[0] == "tvm"
