"""Every page passes axe-core, in light and dark, wide and narrow, with all that is folded open."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from support import zoos
from support.pages import opened
from support.runs import CRASHED, MEASURED, TINY

from tvmq_diag.comparison import across, run_diff, zoo_diff
from tvmq_diag.comparison.figures import Tolerances
from tvmq_diag.measurements.bit_search import BitSearch, BitTrial
from tvmq_diag.reports.pages import across as across_page
from tvmq_diag.reports.pages import (
    benchmark,
    comparison,
    index,
    run,
    support_matrix,
    tests,
    version_matrix,
    zoo,
)
from tvmq_diag.results import store, test_session
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.support_matrix import Cell, CellStep, Matrix, MatrixFacts
from tvmq_diag.results.verdict import Verdict
from tvmq_diag.results.version_matrix import Column, Versions, VersionsFacts
from tvmq_diag.results.zoo import ZooCell

Make = Callable[[Path], Path]


def of_run(source: Path) -> Make:
    def make(folder: Path) -> Path:
        return run.write(store.load(Path(shutil.copytree(source, folder / "run"))))

    return make


def of_search(folder: Path) -> Path:
    loaded = store.load(TINY)
    loaded.directory = folder
    widths = ((8, 8, 0.99), (4, 8, 0.96), (3, 8, 0.8), (4, 6, 0.95))
    trials = [BitTrial(w, a, "max", 16.0, 16, worst, worst) for w, a, worst in widths]
    loaded.searches = [BitSearch(trials)]
    return run.write(loaded)


def of_runs(folder: Path) -> Path:
    for name, source in (("a", TINY), ("b", MEASURED)):
        shutil.copytree(source, folder / "runs" / name)
    return index.write(folder / "runs")


def of_two(folder: Path) -> Path:
    return comparison.write(
        run_diff.compare(TINY / "traces" / "int4", TINY / "traces" / "int8_int8_int32"),
        {"before": "a", "now": "b"},
        folder,
    )


def of_several(folder: Path) -> Path:
    traces = [TINY / "traces" / name for name in ("int4", "int8_int8_int32", "int4")]
    return across_page.write(across.compare(traces, Tolerances()), {}, folder)


def of_benchmark(folder: Path) -> Path:
    measured = store.load(MEASURED).benchmark
    assert measured is not None
    return benchmark.write(measured, list(measured.times), {"model": "tiny"}, folder)


def of_cells(folder: Path) -> Path:
    steps = [CellStep("realize", False, "no rule", "QuantizeRealize"), CellStep("run", None, "-")]
    matrix = Matrix(["add", "relu"], ["int4"], [Cell("add", "int4", steps)])
    matrix.facts = MatrixFacts(command="x", tvm_version="0.16", created="today")
    return support_matrix.write(matrix, folder)


def of_versions(folder: Path) -> Path:
    column = Column("relay", "relay")
    verdict = Verdict("int4", "relay", "rejected", "compile", pass_name="QuantizeRealize")
    column.run = Run(Path("x"), RunFacts(), [Result(verdict, Role.REQUESTED)])
    work = Versions(["int4"], [column, Column("relax", "relax")], VersionsFacts(model="tiny"))
    return version_matrix.write(work, folder)


def of_zoo(folder: Path) -> Path:
    before = zoos.zoo_of([zoos.cell("a", zoos.works("int4")), zoos.cell("b", zoos.works("int4"))])
    lost = ZooCell(model="b", configuration="int4", tvm="relay", problem="its worker was lost")
    now = zoos.zoo_of([zoos.cell("a", zoos.rejected("int4")), lost])
    return zoo.write(now, zoo_diff.compare(before, now), folder)


def of_tests(folder: Path) -> Path:
    recorded = [test_session.RecordedTest("test_a", "failed", 1.0, "no rule")]
    session = test_session.TestSession(folder, test_session.Session(["pytest"]), recorded)
    return tests.write(session)


ADDRESS = re.compile(r'href="#[^"]+/')
"""A place in the viewer. To axe it is a link to skip with, where a box is scrolled past it."""

PAGES: dict[str, Make] = {
    "rejected": of_run(TINY),
    "searched": of_search,
    "measured": of_run(MEASURED),
    "crashed": of_run(CRASHED),
    "index": of_runs,
    "comparison": of_two,
    "several": of_several,
    "benchmark": of_benchmark,
    "support matrix": of_cells,
    "version matrix": of_versions,
    "tests": of_tests,
    "zoo": of_zoo,
}


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(name: str, tmp_path: Path, browser: Any) -> None:
    page = PAGES[name](tmp_path)
    for scheme, width in (("light", 1280), ("dark", 360)):
        tab = opened(browser, page, width, scheme)
        tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        found = Axe().run(tab).response["violations"]
        told = [
            (rule["id"], node["html"][:200])
            for rule in found
            for node in rule["nodes"]
            if rule["id"] != "skip-link" or not ADDRESS.search(node["html"])
        ]
        assert told == [], f"{scheme}, {width} px"
        tab.context.close()
