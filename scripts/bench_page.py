"""What a page costs: reading the run, writing the page, its size, and how quickly it answers.

Of runs that are there, and of made ones of so many ops (--ops), as tests/support/big_runs.py writes
them: a chain, and sixteen chains side by side. A step is one press of a key in the viewer, drawn.

examples:
  %(prog)s runs/resnet50                 of a run
  %(prog)s --ops 2000,10000,50000        of made ones
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support import big_runs, pages  # noqa: E402

from tvmq_diag.analysis import recovery  # noqa: E402
from tvmq_diag.commands import cli  # noqa: E402
from tvmq_diag.reports.pages import run as run_page  # noqa: E402

STEPS = 40
"""Keys that are pressed."""

PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
STEP = """async () => {
  const box = document.querySelector("#viewer input[type=range]");
  if (!box) return NaN;
  const began = performance.now();
  box.value = box.value === box.max ? box.min : Number(box.value) + 1;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - began;
}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN")
    parser.add_argument("--ops", default="", metavar="N,…", help="sizes of made ones")


def run(options: argparse.Namespace) -> int:
    """Measure and print; returns 0."""
    table = Table("run", box=None)
    for heading in ("read s", "page s", "MB", "paint ms", "loaded ms", "step ms", "slowest"):
        table.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory() as folder, pages.chromium(str(pages.installed())) as browser:
        for run in options.runs:
            copy = Path(shutil.copytree(run, Path(folder) / run.resolve().name))
            table.add_row(run.name, *_figures(copy, browser))
        for ops in (int(size) for size in options.ops.split(",") if size):
            for name, width in (("chain", 1), ("wide", 16)):
                made = big_runs.write(Path(folder) / f"{ops}-{name}", ops, width)
                table.add_row(f"{ops:,} ops, {name}", *_figures(made, browser))
    Console().print(table)
    return 0


def _figures(run: Path, browser: Any) -> list[str]:
    began = time.perf_counter()
    loaded = recovery.load(run)
    for result in loaded.results:
        for number in result.trace.tables if result.trace is not None else ():
            result.trace.snapshot(number)  # type: ignore[union-attr]
    read = time.perf_counter()
    page = run_page.write(loaded)
    written = time.perf_counter()
    tab = pages.opened(browser, page)
    tab.wait_for_timeout(1000)
    steps = [tab.evaluate(STEP) for _ in range(STEPS)]
    painted, done = tab.evaluate(PAINT), tab.evaluate(LOADED)
    tab.context.close()
    return [
        f"{read - began:.2f}",
        f"{written - read:.2f}",
        f"{page.stat().st_size / 1e6:.2f}",
        f"{painted:.0f}",
        f"{done:.0f}",
        f"{statistics.median(steps):.0f}",
        f"{max(steps):.0f}",
    ]


if __name__ == "__main__":
    sys.exit(cli.script(sys.modules[__name__]))
