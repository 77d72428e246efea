"""Runs of which a file is damaged: read, drawn, compared, listed, without a traceback."""

from __future__ import annotations

import contextlib
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import numpy as np
from support import damage, journals
from support.runs import CRASHED, MEASURED, TINY

from tvmq_diag import foreign
from tvmq_diag.analysis import ablation, coverage, dtype_timeline, recording, recovery
from tvmq_diag.comparison import baseline, run_diff
from tvmq_diag.errors import UsageError
from tvmq_diag.measurements import benchmark, bisection, numerics, outputs
from tvmq_diag.measurements.outputs import Outputs
from tvmq_diag.reports.pages import index
from tvmq_diag.reports.pages import run as page
from tvmq_diag.results import store
from tvmq_diag.trace import reader

from .campaign import Broken, Campaign, expect

LONGEST_S = 30
MOST_MIB = 1024


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """Raises Broken where it takes longer, or grows more, than any small file may make it."""

    def late(number: int, frame: object) -> None:
        raise Broken(f"not done after {LONGEST_S} s")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    handler = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
    expect(grown < MOST_MIB, f"it took {grown} MiB")


def _read(folder: Path) -> None:
    """A run as the front door and the commands read it."""
    run = recovery.load(folder)
    for result in run.results:
        if result.trace is not None:
            result.trace.failing_snapshot()
            for number in result.trace.tables:
                result.trace.snapshot(number)
            coverage.coverage(result.trace)
            dtype_timeline.timeline(result.trace)
            ablation.first_ops(result.trace)
            with contextlib.suppress(UsageError):  # of a dtype that is none
                recording.judged(result.trace)
    store.write(run)
    with contextlib.suppress(UsageError):
        baseline.of_run(run)


def _trace(folder: Path) -> None:
    loaded = reader.load(folder)
    with contextlib.suppress(UsageError):
        recording.judged(loaded)


def _outputs(folder: Path) -> None:
    rows = np.linspace(-1, 1, 20, dtype=np.float32).reshape(2, 1, 10)
    np.savez(folder / "outputs.npz", output0=rows, labels=np.zeros((2, 1), np.int64))


def _compared(folder: Path) -> None:
    """Raises UsageError in place of what the driver takes for outputs that it cannot compare."""
    try:
        read: Outputs = outputs.load(foreign.inside(folder, "outputs.npz"))
        outputs.compare(read, read)
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from error


KINDS: list[tuple[Callable[[Path], object], Callable[[Path], object]]] = [
    (journals.trace, _trace),
    (journals.benchmark, benchmark.load),
    (journals.numerics, numerics.load),
    (journals.bisection, bisection.load),
    (_outputs, _compared),
]
"""What else is read: how a sample is written into a folder, and what reads it there."""


def loaded(random: Random, folder: Path) -> None:
    """Read a run, or what else there is, of which some files are damaged."""
    sample = folder / "sample"
    if random.random() < 0.5:
        damage.copied(random.choice((TINY, MEASURED, CRASHED)), sample)
        read: Callable[[Path], object] = _read
    else:
        write, read = random.choice(KINDS)
        sample.mkdir()
        write(sample)
    _damage(random, sample)
    with _bounded(), contextlib.suppress(UsageError):
        read(sample)


def drawn(random: Random, folder: Path) -> None:
    """Write the page of one, the index beside it, and its comparison with the whole one."""
    whole = random.choice((TINY, MEASURED, CRASHED))
    runs = folder / "runs"
    ignored = shutil.ignore_patterns("int8_int8_int32") if whole is TINY else None
    sample = Path(shutil.copytree(whole, runs / "sample", ignore=ignored))
    _damage(random, sample)
    with _bounded():
        index.write(runs)
        with contextlib.suppress(UsageError):
            page.write(recovery.load(sample))
        with contextlib.suppress(UsageError):
            run_diff.compare(whole, sample).to_json()


def _damage(random: Random, sample: Path) -> None:
    files = sorted(path for path in sample.rglob("*") if path.is_file())
    for file in random.sample(files, min(len(files), random.choice((1, 1, 1, 2, 5)))):
        damage.damage(random, file)


CAMPAIGNS = (
    Campaign("mutants-loaded", "read as far as it goes, or refused in a line", loaded, share=2),
    Campaign("mutants-drawn", "page, index and comparison are written", drawn, share=2),
)
