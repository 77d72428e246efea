"""Say for each kind of op and dtype which stage of TVM stops it, and what to fix, in order.

Each cell runs in a TVM process of its own, so one that crashes or hangs stops no other; finished
cells are cached, so an interrupted run goes on where it was.

examples:
  %(prog)s                                        every op in every dtype: a few minutes
  %(prog)s --ops conv2d,dense --dtypes int4,int2
  %(prog)s --tvm-python ~/my-tvm/bin/python       a TVM of your own, after you fixed something

exit code: 0 it ran to its end, whatever it found; 2 bad usage; 3 the tool or its set-up failed;
130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from rich.console import Console
from rich.status import Status

from .. import foreign
from ..driver import support_matrix as matrix_driver
from ..driver.support_matrix import Setup
from ..errors import UsageError
from ..reports.pages import index
from ..reports.pages import support_matrix as page
from ..reports.text import console
from ..reports.text import support_matrix as text
from ..reports.text.console import print_plain
from ..results import support_matrix
from ..results.support_matrix import RECORD, Matrix, MatrixFacts
from ..toolchains import identity, resolution
from ..toolchains.limits import Limits, usable_bytes
from ..trace.stages import RELAY
from .facts import circumstances
from .folders import fresh_directory
from .options import add_mcpu, add_out, add_timeout, add_tvm
from .outcome import Outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `matrix`."""
    parser.add_argument(
        "--ops", metavar="OP[,OP…]", help=f"default: {','.join(support_matrix.OPS[RELAY])}"
    )
    parser.add_argument(
        "--dtypes", metavar="DTYPE[,DTYPE…]", help=f"default: {','.join(support_matrix.DTYPES)}"
    )
    add_tvm(parser)
    add_mcpu(parser)
    add_timeout(parser, 60.0)
    add_out(parser, "support-matrix-TIME")
    parser.add_argument("--fresh", action="store_true", help="run cells again that are cached")


def run(options: argparse.Namespace) -> Outcome:
    """Run the cells, write matrix.json and index.html, and the index of all runs."""
    screen, progress = console.screen(), console.progress()
    dtypes = _dtypes(options.dtypes)
    directory = fresh_directory(options.out, "support-matrix")
    chain = resolution.resolve(
        options.tvm, options.tvm_python, options.dialect, echo=progress.print
    )
    work = Matrix(_ops(options.ops, chain.dialect), dtypes)
    limits = Limits(options.timeout, usable_bytes())
    setup = Setup(chain, identity.identify(chain), limits, options.mcpu, options.fresh)
    work.facts = _facts(setup)
    directory.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    live = CellProgress(progress, work)
    try:
        matrix_driver.run(work, setup, live.watch)
    finally:
        live.close()
        work.facts.seconds = round(time.monotonic() - began, 1)
        if work.cells:  # also after Ctrl-C: the cells that are done are worth reading
            screen.print(text.table(work))
            written = _write(work, directory)
            print_plain(screen, f"report: {written}")
            index.update(directory.parent)
    return Outcome(record={"page": written, **work.to_json()})


class CellProgress:
    """Progress on `console` (stderr): a moving line, or in a log file a line an op."""

    def __init__(self, console: Console, work: Matrix) -> None:
        self._console = console
        self._work = work
        self._status: Status | None = console.status("") if console.is_terminal else None
        self._words: list[str] = []
        if self._status is not None:
            self._status.start()

    def watch(self, op: str, dtype: str, word: str) -> None:
        """A cell begins (no word), or ended with this word."""
        if self._status is not None:
            done, total = len(self._work.cells), len(self._work.ops) * len(self._work.dtypes)
            self._status.update(f"cell {min(done + 1, total)} of {total}: {op} in {dtype}")
        elif word:
            self._words.append(f"{dtype} {word}")
            if len(self._words) == len(self._work.dtypes):
                self._console.print(
                    f"{op}: {', '.join(self._words)}", highlight=False, soft_wrap=True
                )
                self._words = []

    def close(self) -> None:
        """Take the moving line away."""
        if self._status is not None:
            self._status.stop()


def _write(work: Matrix, directory: Path) -> Path:
    record = json.dumps(work.to_json(), indent=1)
    foreign.write(directory / RECORD, record)
    return page.write(work, directory)


def _facts(setup: Setup) -> MatrixFacts:
    return MatrixFacts(
        **circumstances(),
        toolchain=setup.toolchain.name,
        python=str(setup.toolchain.python),
        tvm_version=setup.tvm.version,
        mcpu=setup.mcpu or "the host's",
        timeout=f"{setup.limits.timeout:g} s",
    )


def _ops(text: str | None, dialect: str) -> list[str]:
    available = support_matrix.OPS[dialect]
    ops = _listed(text) or list(available)
    unknown = [op for op in ops if op not in available]
    if unknown:
        raise UsageError(f"--ops: {unknown[0]!r} is none of {', '.join(available)}")
    return ops


def _dtypes(text: str | None) -> list[str]:
    dtypes = _listed(text) or list(support_matrix.DTYPES)
    for dtype in dtypes:
        if not support_matrix.is_integer(dtype):
            raise UsageError(f"--dtypes: {dtype!r} is not bool or an integer dtype like int4")
    return dtypes


def _listed(text: str | None) -> list[str]:
    """The parts between commas, each once."""
    return list(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))
