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
from rich.table import Table
from rich.text import Text

from ..driver import support_matrix as matrix_driver
from ..driver.support_matrix import Setup
from ..errors import UsageError
from ..reports.pages import index
from ..reports.pages import support_matrix as page
from ..results import support_matrix
from ..results.support_matrix import Matrix
from ..toolchains import identity, resolution
from ..toolchains.limits import Limits, physical_bytes
from ..trace.stages import RELAY
from .common import add_tvm, circumstances, fresh_directory, positive

RECORD = "matrix.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `matrix`."""
    parser.add_argument(
        "--ops", metavar="OP[,OP…]", help=f"default: {','.join(support_matrix.OPS[RELAY])}"
    )
    parser.add_argument(
        "--dtypes", metavar="DTYPE[,DTYPE…]", help=f"default: {','.join(support_matrix.DTYPES)}"
    )
    add_tvm(parser)
    parser.add_argument(
        "--mcpu", metavar="CPU", help="for the target; 'none' leaves it out (host's)"
    )
    parser.add_argument(
        "--timeout", type=positive, default=60.0, metavar="S", help="per process (60)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: runs/support-matrix-TIME")
    parser.add_argument("--fresh", action="store_true", help="run cells again that are cached")


def run(options: argparse.Namespace) -> int:
    """Run the cells, write matrix.json and index.html, and the index of all runs; returns 0."""
    screen, progress = Console(), Console(stderr=True)
    dtypes = _dtypes(options.dtypes)
    directory = fresh_directory(options.out, "support-matrix")
    chain = resolution.resolve(options.tvm, options.tvm_python, echo=progress.print)
    work = Matrix(_ops(options.ops, chain.dialect), dtypes)
    limits = Limits(options.timeout, int(0.9 * physical_bytes()))
    setup = Setup(chain, identity.identify(chain), limits, options.mcpu, options.fresh)
    work.facts = _facts(setup)
    directory.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    live = Live(progress, work)
    try:
        matrix_driver.run(work, setup, live.watch)
    finally:
        live.close()
        work.facts["seconds"] = round(time.monotonic() - began, 1)
        if work.cells:  # also after Ctrl-C: the cells that are done are worth reading
            screen.print(table(work))
            written = _write(work, directory)
            index.write(directory.parent)
            screen.print(f"report: {written}", highlight=False, soft_wrap=True, markup=False)
    return 0


class Live:
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


def table(work: Matrix) -> Table:
    """Ops by dtypes: the stage that stops each and those that fail behind it, or a tick."""
    title = "what stops each op, by dtype: the first stage that fails, and those after it"
    shown = Table(title=title, title_justify="left", box=None)
    shown.add_column("op", no_wrap=True)
    for dtype in work.dtypes:
        shown.add_column(dtype, overflow="fold")
    for op in work.ops:
        shown.add_row(op, *(_said(work, op, dtype) for dtype in work.dtypes))
    return shown


def _said(work: Matrix, op: str, dtype: str) -> Text:
    cell = work.cell(op, dtype)
    if cell is None:
        return Text("not run", style="dim")
    if cell.stopped_at is None:
        return Text("✓", style="bold green")
    first, *others = [step.name for step in cell.blockers]
    said = Text(f"✗ {first}", style="red")
    return said.append("".join(f"\n  {name}" for name in others), style="dim")


def _write(work: Matrix, directory: Path) -> Path:
    record = json.dumps(work.to_json(), indent=1)
    (directory / RECORD).write_text(record, encoding="utf-8")
    return page.write(work, directory)


def _facts(setup: Setup) -> dict[str, object]:
    return {
        **circumstances(),
        "toolchain": setup.toolchain.name,
        "python": str(setup.toolchain.python),
        "tvm_version": setup.tvm.get("version"),
        "mcpu": setup.mcpu or "the host's",
        "timeout": f"{setup.limits.timeout:g} s",
    }


def _ops(text: str | None, dialect: str) -> list[str]:
    there = support_matrix.OPS[dialect]
    asked = _listed(text) or list(there)
    unknown = [op for op in asked if op not in there]
    if unknown:
        raise UsageError(f"--ops: {unknown[0]!r} is none of {', '.join(there)}")
    return asked


def _dtypes(text: str | None) -> list[str]:
    asked = _listed(text) or list(support_matrix.DTYPES)
    for dtype in asked:
        if not support_matrix.is_integer(dtype):
            raise UsageError(f"--dtypes: {dtype!r} is not bool or an integer dtype like int4")
    return asked


def _listed(text: str | None) -> list[str]:
    """The parts between commas, each once."""
    return list(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))
