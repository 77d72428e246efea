"""Time compiled models in turn, round by round, and each kernel by kernel.

Each round runs every side once, beginning with another side each time, so that a drift of the
machine's speed hits all alike. The float model runs twice a round, from two executors: what differs
between them is noise.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import tvm

from .. import dialects, peaks, remote
from ..dialects import Timer
from ..inputs import target
from ..protocol.jobs import BenchmarkJob, EagerJob, ModelSource
from ..protocol.schema import SCHEMA
from ..recording.journal import Journal
from .eager import READY

AGAIN = "float32 again"
EAGER = "PyTorch eager"

MIN_ROUNDS = 5

_SHORTEST_MS = 20.0
"""A timing of less says more of the clock than of the model: it runs as often as it takes."""

_PROFILES = 5


def main(job: BenchmarkJob) -> int:
    """Run a job; returns 0."""
    journal = Journal(Path(job.trace))
    journal.event("start", schema=SCHEMA, time=time.strftime("%Y-%m-%dT%H:%M:%S%z"))
    session = remote.connect(job.rpc) if job.rpc is not None else None
    eager = None
    if job.eager is not None and session is None:  # it begins while the models are loaded
        eager = _Eager(job.eager, Path(job.trace))
    try:
        opened = dialects.get(job.dialect).artifact
        artifacts = {name: opened(Path(folder), session) for name, folder in job.sides.items()}
        sides = {**artifacts, AGAIN: artifacts[next(iter(artifacts))]}
        once = {name: artifact.timer(1) for name, artifact in sides.items()}
        in_eager = _eager_timer(eager, journal) if eager is not None else {}
        timers = {name: _timer(artifact, once[name]) for name, artifact in sides.items()}
        journal.event("facts", values=_facts(job))
        with _eager_faults(journal):
            _rounds(journal, {**timers, **in_eager}, job.rounds, job.seconds)
    finally:
        if eager is not None:
            eager.close()
    for name, artifact in artifacts.items():
        try:
            journal.event("profile", of=name, kernels=artifact.kernels(_PROFILES))
        except Exception as error:
            journal.event("fault", where=f"profile of {name}", message=str(error)[:500])
    if session is None:
        journal.event("peaks", **peaks.peaks(target.threads()))
    journal.event("end")
    return 0


def _timer(artifact: Any, once: Timer) -> Timer:
    """As many runs a round as it takes for the clock to be exact enough; `once` has one."""
    runs = _runs(once())
    return once if runs == 1 else artifact.timer(runs)


def _eager_timer(eager: _Eager, journal: Journal) -> dict[str, Timer]:
    """By its name; none where PyTorch does not start."""
    with _eager_faults(journal):
        journal.event("facts", values={"eager_threads": eager.ready()})
        return {EAGER: eager.timer()}
    return {}


@contextlib.contextmanager
def _eager_faults(journal: Journal) -> Iterator[None]:
    """What becomes of PyTorch's process is told, and nothing else suffers from it."""
    try:
        yield
    except OSError as error:
        journal.event("fault", where=EAGER, message=str(error))


def _runs(ms: float) -> int:
    return max(1, min(1000, round(_SHORTEST_MS / max(ms, 1e-3))))


def _rounds(journal: Journal, timers: dict[str, Timer], rounds: int, seconds: float) -> None:
    names = list(timers)
    until = time.monotonic() + seconds
    for number in range(-1, rounds):  # the first warms up
        if number >= MIN_ROUNDS and time.monotonic() > until:
            break
        shift = number % len(names)
        ms = {name: timers[name]() for name in names[shift:] + names[:shift]}
        if number >= 0:
            journal.event("round", number=number, ms={name: ms[name] for name in names})
            journal.event("progress", what="round", done=number + 1, of=rounds)


class _Eager:
    """The process that instruments.tasks.eager runs in."""

    def __init__(self, model: ModelSource, folder: Path) -> None:
        file = folder / "eager.job.json"
        file.write_text(json.dumps(EagerJob(model).to_json()), encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent.parent), str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ready(self) -> int:
        """Wait until it can be asked; how many threads it uses. Raises OSError."""
        words = self._line().split()
        if not words or words[0] != READY:
            raise OSError("it did not start: the model is none of PyTorch's, or cannot be imported")
        return int(words[1])

    def timer(self) -> Timer:
        """As those of TVM's sides."""
        runs = _runs(self._ask(1))
        return lambda: self._ask(runs)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def _ask(self, runs: int) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{runs}\n")
        self._process.stdin.flush()
        answer = self._line()
        if not answer:
            raise OSError("its process ended")
        return float(answer)

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def _facts(job: BenchmarkJob) -> dict[str, Any]:
    cores = sorted(os.sched_getaffinity(0))
    return {
        "threads": target.threads(),
        "affinity": cores,
        "cpu": _cpu(),
        "tvm": tvm.__version__,
        "rpc": dataclasses.asdict(job.rpc) if job.rpc is not None else None,
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "unknown")
