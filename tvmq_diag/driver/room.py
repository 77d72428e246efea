"""Room for processes: how many there are at a time, and who goes before whom."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

_POLL_S = 0.1


class Room:
    """For at most so many processes at a time. What measures times runs in `alone`.

    `stop` is set when nothing more is to begin; `running`, how many there are; `is_kept`: may only
    those begin that somebody waits for?
    """

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._changed = threading.Condition()
        self._waiting = 0
        self._alone = False
        self.stop = threading.Event()
        self.running = 0

    @property
    def is_free(self) -> bool:
        """Is there room for another process?"""
        return self.running < self._processes and not self.stop.is_set()

    @property
    def is_kept(self) -> bool:
        """Does somebody wait for room, or measure?"""
        return self._alone or self._waiting > 0

    def take(self, may: Callable[[], bool], unwanted: Callable[[], bool] = lambda: False) -> bool:
        """Wait until it `may`, and take room; False where nothing more is to begin, or it is
        unwanted."""
        with self._changed:
            while not may():
                if self.stop.is_set() or unwanted():
                    return False
                self._changed.wait(_POLL_S)
            self.running += 1
            return True

    def give_back(self) -> None:
        """What had taken it has ended."""
        with self._changed:
            self.running -= 1
            self._changed.notify_all()

    def look_again(self) -> None:
        """Something has changed of what those that wait for room ask."""
        with self._changed:
            self._changed.notify_all()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Room for a process that somebody waits for: it goes before what is started ahead."""
        with self._changed:
            self._waiting += 1
        try:
            taken = self.take(lambda: self.is_free)
        finally:
            with self._changed:
                self._waiting -= 1
        try:
            yield
        finally:
            if taken:
                self.give_back()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Nothing runs beside what is inside of the block: it measures times."""
        try:
            with self._changed:
                self._alone = True
                while self.running:
                    self._changed.wait(_POLL_S)
        except KeyboardInterrupt:
            self.stop.set()  # which ends what is to run in the block
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()
