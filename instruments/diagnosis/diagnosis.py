"""What is found out about a failure after it happened, written into its journal.

The op and the setting behind it (replay), the smallest module that fails alike, and every op's own
verdict (survey). What cannot be found out is written down too, with the reason.
"""

from __future__ import annotations

import contextlib
import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, MutableMapping, Sequence

from ..dialects import Dialect
from ..recording.journal import Journal
from ..recording.open_pass import OpenPass
from .signature import Attempt
from .survey import MAP_SECONDS, REDUCE_SECONDS

EXPERIMENTS = "experiments.jsonl"
"""Beside the journal: what each part that was tried came to, so that nothing is tried twice."""
_EVERY = 20
"""Experiments between two signs of life."""


@dataclass
class Failed:
    """A failed compile: the passes it was in, outermost first, and what ended it.

    The first may stand for all of the compile (Recorder.around): its number is 0.
    `qconfig` is the one the quantizer ran under, if it ran; `target` that of the build, if known.
    """

    path: Sequence[OpenPass]
    error: Exception
    qconfig: Any = None
    target: Any = None


def diagnose(
    journal: Journal,
    dialect: Dialect,
    failed: Failed,
    isolate: bool = False,
    seconds: float | None = None,
) -> None:
    """Find out what can be found out, each thing as soon as it is known.

    With `isolate` each experiment runs in a process of its own; `seconds` is the time for the map
    and again for the reduction.
    """
    from .. import sandbox as processes
    from .reduction import NotSliceable

    replay = dialect.replay

    def wrap(attempt: Attempt) -> Attempt:
        return processes.isolated(attempt) if isolate else attempt

    if not failed.path:
        journal.event("skipped", what="op", reason="it failed outside any pass")
        return
    text = dialect.op_tables.text(failed.path[-1].before)
    journal.event("text", file=journal.text("ir/failing.txt", text))
    journal.event("looking", what="which op")
    with failed.qconfig or contextlib.nullcontext():
        blamed = replay.blame(failed.path, failed.error, failed.target, wrap)
        if blamed is None:
            journal.event("skipped", what="op", reason=replay.why_not(failed.path))
            return
        journal.event("blame", **vars(blamed))
        culprit = replay.culprit(failed.path, blamed, failed.error, failed.target, wrap)
        if culprit is not None:
            journal.event("culprit", **vars(culprit))
        guilty = replay.knobs(failed.path, blamed, failed.error, failed.target, wrap)
        journal.event("knobs", fields=guilty)
        try:
            surveyor = dialect.surveying.survey(
                failed.path,
                failed.error,
                failed.target,
                wrap=wrap,
                memo=Memo(journal.directory / EXPERIMENTS, lambda n: _progress(journal, n)),
                map_seconds=MAP_SECONDS if seconds is None else seconds,
                reduce_seconds=REDUCE_SECONDS if seconds is None else seconds,
            )
        except NotSliceable as reason:
            journal.event("skipped", what="survey", reason=str(reason))
            return
        journal.event("looking", what="the smallest module that fails")
        with _reason(journal, "smallest"):
            smallest = vars(surveyor.smallest(blamed, versions()))
            source = smallest.pop("source")
            file = journal.text("repro/repro.py", source) if source else None
            journal.event("smallest", file=file, **smallest)
        journal.event("looking", what="each op on its own")
        with _reason(journal, "map"):
            journal.event("map", **vars(surveyor.map()))


@contextlib.contextmanager
def _reason(journal: Journal, what: str) -> Iterator[None]:
    """Where an analysis cannot be made, its reason instead of its result; the next one still is."""
    from .reduction import NotSliceable

    try:
        yield
    except NotSliceable as reason:
        journal.event("skipped", what=what, reason=str(reason))


def _progress(journal: Journal, experiments: int) -> None:
    """A sign of life now and then: the progress line reads it."""
    if experiments % _EVERY == 0:
        journal.event("looking", queries=experiments)


def versions() -> dict[str, str]:
    """Of TVM and Python, as a trace and a reproducer name them."""
    import tvm

    return {"tvm": tvm.__version__, "python": platform.python_version()}


class Memo(MutableMapping[str, Any]):
    """A dict of strings that is on disk at each step: a later process goes on where one stopped."""

    def __init__(self, path: Path, told: Callable[[int], None]) -> None:
        self._path = path
        self._told = told
        self._answers: dict[str, Any] = {}
        with contextlib.suppress(OSError):
            for line in path.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError):  # a process may have died writing it
                    key, value = json.loads(line)
                    self._answers[key] = value

    def __setitem__(self, key: str, value: Any) -> None:
        self._answers[key] = value
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps([key, value]))  # the last line may be cut
        self._told(len(self))

    def __getitem__(self, key: str) -> Any:
        return self._answers[key]

    def __delitem__(self, key: str) -> None:
        raise TypeError("what was found out is not forgotten")

    def __iter__(self) -> Iterator[str]:
        return iter(self._answers)

    def __len__(self) -> int:
        return len(self._answers)
