"""A change to somebody's library for as long as anybody here needs it."""

from __future__ import annotations

import contextlib
import threading
from typing import Callable, Iterator


class Patch:
    """A patch that is made for its first user and undone after its last.

    Users may come and go in any order, and on several threads: blocks that each put back what they
    found would leave the library patched when the first to come is the first to go.

    `make` patches, and returns what undoes it.
    """

    def __init__(self, make: Callable[[], Callable[[], None]]) -> None:
        self._make = make
        self._users = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Patched inside the block."""
        with self._lock:
            if not self._users:
                self._undo = self._make()
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._undo()
