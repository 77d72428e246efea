"""Something that is kept in a folder: made by the first process that wants it, read by the others.

While one makes it those that want it too wait: the kernel unlocks the file when the maker ends,
whatever ends it. A folder appears under its name when all is in it. A cache that cannot be written
or read costs the time of making it, and nothing else.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Iterator, TypeVar

T = TypeVar("T")

KEPT = 12
"""Entries of a kind at most, the last used ones: a ResNet-50 takes 100 MB."""

_NICE = 10
"""What saving gives way by: somebody waits for what the process itself does."""

_ABANDONED_S = 3600.0
"""How old a draft is of which nobody can be at work any more."""


def key(*parts: Any) -> str:
    """A name for what depends on `parts`, which are plain values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


def made_now(ms: float) -> dict[str, Any]:
    """What is known of something that was made in so much time."""
    return {"made": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "ms": round(ms, 3)}


class Entry:
    """What is kept under a name in a folder `kind` of `root`; it may not be there yet."""

    def __init__(self, root: Path, kind: str, name: str) -> None:
        self.folder = root / kind / name

    def take_or_make(
        self,
        take: Callable[[Path], T],
        make: Callable[[], T],
        save: Callable[[T, Path], None] | None,
    ) -> T:
        """What `take` reads in the folder, else what `make` returns, left by `save` in a folder;
        None: not kept.

        Saving goes on in a process of its own. Raises what `make` raises, and nothing else.
        """
        taken = self._taken(take)
        if taken:
            return taken[0]
        with self._only_one() as lock:
            taken = self._taken(take)  # another was at it meanwhile
            if taken:
                return taken[0]
            made = make()
            if lock is not None and save is not None:
                self._save_beside(functools.partial(save, made))
            return made

    def _taken(self, take: Callable[[Path], T]) -> list[T]:
        """One thing, or none."""
        if not self.folder.is_dir():
            return []
        try:
            found = take(self.folder)
            os.utime(str(self.folder))
            return [found]
        except Exception:  # of another format, or removed meanwhile
            shutil.rmtree(str(self.folder), ignore_errors=True)
            return []

    @contextlib.contextmanager
    def _only_one(self) -> Iterator[int | None]:
        """Wait until no other process makes it; the lock, None where there can be none."""
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(f"{self.folder}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError:
            yield None
            return
        try:
            with contextlib.suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock
        finally:
            os.close(lock)  # a process that saves still holds it

    def _save_beside(self, save: Callable[[Path], None]) -> None:
        """Save in a forked process, which this one waits for only at its end: writing the weights
        of a ResNet-50 takes seconds. Nothing of TVM's runs in it, so that it needs no threads."""
        child = os.fork()
        if child:
            _CHILDREN.append(child)
            return
        with contextlib.suppress(BaseException):
            os.nice(_NICE)
            self._save(save)
        os._exit(0)

    def _save(self, save: Callable[[Path], None]) -> None:
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=str(self.folder.parent)))
        try:
            save(draft)
            draft.rename(self.folder)
        finally:
            shutil.rmtree(str(draft), ignore_errors=True)
        self._tidy()

    def _tidy(self) -> None:
        entries = [place for place in self.folder.parent.iterdir() if place.is_dir()]
        now = time.time()
        for place in entries:
            if place.name.startswith(_DRAFT) and now - place.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(str(place), ignore_errors=True)
        whole = [place for place in entries if not place.name.startswith(_DRAFT)]
        whole.sort(key=lambda place: place.stat().st_mtime, reverse=True)
        for place in whole[KEPT:]:
            shutil.rmtree(str(place), ignore_errors=True)
            with contextlib.suppress(OSError):
                Path(f"{place}.lock").unlink()


_DRAFT = "draft-"
_CHILDREN: list[int] = []


def saved() -> None:
    """Wait for what is still being saved: it ends with this process otherwise."""
    while _CHILDREN:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(_CHILDREN.pop(), 0)
