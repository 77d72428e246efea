"""Cells on this machine: as many processes side by side as it has cores for."""

from __future__ import annotations

import os
import secrets
import subprocess
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

from . import cell
from .cell import Answer, Task
from .maker import Maker, maker


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


class Local:
    """This machine, with so many cells at a time. A Workplace. `echo` gets a line when there is a
    toolchain to wait for."""

    def __init__(self, jobs: int, echo: Callable[[str], None]) -> None:
        self._jobs = jobs
        self._echo = echo
        self._run = secrets.token_hex(8)
        self._running: set[subprocess.Popen[str]] = set()
        self._closing = threading.Event()
        self._lock = threading.Lock()

    def maker(self, tvm: str, python: str | None) -> Maker:
        return maker(tvm, python, self._run, self._echo)

    def answers(
        self, tasks: Mapping[str, Task], makers: Mapping[str, Maker]
    ) -> Generator[tuple[str, Answer], None, None]:
        pool = ThreadPoolExecutor(self._jobs)
        try:
            futures: dict[Future[Answer], str] = {
                pool.submit(self._do, task, makers[key]): key for key, task in tasks.items()
            }
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            self._end()
            pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        self._end()

    def _do(self, task: Task, made_by: Maker) -> Answer:
        return cell.do(task, made_by, self._started)

    def _started(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running = {one for one in self._running if one.poll() is None} | {process}
            closing = self._closing.is_set()
        if closing:
            cell.end(process)

    def _end(self) -> None:
        """End all that runs: each is told to before any is waited for."""
        with self._lock:
            self._closing.set()
            running = [process for process in self._running if process.poll() is None]
        enders = [threading.Thread(target=cell.end, args=(process,)) for process in running]
        for thread in enders:
            thread.start()
        for thread in enders:
            thread.join()
