"""Cells on a Dask cluster, by dask.distributed (https://distributed.dask.org): its scheduler places
them, and does those of a lost worker again elsewhere.

A worker needs this package and nothing more: it fetches a named toolchain as anybody does, and is
sent the files that a cell names. One thread a worker is right, as a cell keeps a core busy.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

from ...errors import DiagError, SetupError
from ...toolchains import scratch
from . import cell
from .cell import Answer, Task
from .maker import Maker, maker

_CONNECT_S = 20


class Cluster:
    """The workers of a scheduler. A Workplace. Raises SetupError when it cannot be reached."""

    def __init__(self, address: str, echo: Callable[[str], None]) -> None:
        self._dask = _distributed()
        self._run = secrets.token_hex(8)
        try:
            self._client = self._dask.Client(
                address, timeout=_CONNECT_S, set_as_default=False, name="tvmq-diag-zoo"
            )
        except (OSError, ValueError, TypeError) as error:
            raise SetupError(f"--scheduler {address}: no Dask there ({_line(error)})") from error
        if not self._client.nthreads():
            echo(f"{address} has no worker yet: waiting for one (`dask worker {address}`)")

    def maker(self, tvm: str, python: str | None) -> Maker:
        """As a worker says it is; each answer is held against that."""
        key = f"tvmq-{self._run}-maker-{python or tvm}"
        made: Maker = self._result(self._client.submit(maker, tvm, python, self._run, key=key))
        return made

    def answers(
        self, tasks: Mapping[str, Task], makers: Mapping[str, Maker]
    ) -> Generator[tuple[str, Answer], None, None]:
        sent = self._send(tasks)
        futures: dict[str, Any] = {}
        for key, task in tasks.items():
            paths = [path for path in task.files if path in sent]
            name = f"tvmq-{self._run}-{key}"
            futures[name] = self._client.submit(
                work, task, makers[key], self._run, paths, *(sent[path] for path in paths), key=name
            )
        keys = dict(zip(futures, tasks, strict=True))
        waiting = list(futures.values())
        try:
            for future in self._dask.as_completed(waiting, loop=self._client.loop):
                del futures[future.key]
                key = keys[future.key]
                yield key, self._answer(future, makers[key])
                future.release()  # a worker keeps a result for as long as somebody wants it
        finally:
            self._client.cancel(list(futures.values()))

    def close(self) -> None:
        self._client.close()

    def _send(self, tasks: Mapping[str, Task]) -> dict[str, Any]:
        """Each file's content as a task of its own: it travels once, and is there again where the
        worker that had it is lost."""
        paths = {path for task in tasks.values() for path in task.files}
        files = sorted(path for path in paths if Path(path).is_file())
        return {
            path: self._client.submit(
                bytes, Path(path).read_bytes(), key=f"tvmq-{self._run}-file-{number}"
            )
            for number, path in enumerate(files)
        }

    def _answer(self, future: Any, wanted: Maker) -> Answer:
        try:
            answer: Answer = self._result(future)
        except DiagError as error:
            return Answer(None, 0.0, wanted, str(error))
        return answer

    def _result(self, future: Any) -> Any:
        """What a worker came to. Raises SetupError for all that kept it from that, which is no
        outcome of any model; a DiagError of ours as it is."""
        try:
            return future.result()
        except DiagError:
            raise
        except self._dask.KilledWorker as error:
            raise SetupError(f"its worker was lost again and again: {_line(error)}") from error
        except self._dask.CancelledError as error:
            raise SetupError(f"the scheduler was lost, or gave it up: {_line(error)}") from error
        except ModuleNotFoundError as error:
            raise SetupError(
                f"a worker has no {error.name}: install tvmq_diag on the workers, as here"
            ) from error
        except Exception as error:
            raise SetupError(f"a worker failed: {_line(error)}") from error


def work(task: Task, wanted: Maker, run: str, paths: list[str], *contents: bytes) -> Answer:
    """On a worker: a cell. `wanted` is the maker that the zoo has its keys for."""
    own = maker(task.tvm, task.python, run)
    other = own.differs(wanted)
    if other is not None:
        host = socket.gethostname()
        return Answer(None, 0.0, own, f"the worker on {host} has another {other} than the first")
    with scratch.folder() as folder:
        return cell.do(cell.with_files(task, dict(zip(paths, contents, strict=True)), folder), own)


def _distributed() -> Any:
    # Here and not above: only who has a cluster needs it.
    try:
        import distributed
    except ModuleNotFoundError as error:
        raise SetupError(
            "--scheduler needs dask.distributed: pip install 'tvmq_diag[zoo]', on the workers too"
        ) from error
    return distributed


def _line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:300]
