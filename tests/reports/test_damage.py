"""Whatever is damaged in a run, its page is drawn, and it can be compared and analysed."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.damage import damaged, damaged_lines
from support.runs import CRASHED, MEASURED, TINY

from tvmq_diag.analysis import ablation, coverage, dtype_timeline, recording
from tvmq_diag.comparison import run_diff
from tvmq_diag.errors import UsageError
from tvmq_diag.reports.pages import run as page
from tvmq_diag.results import store


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One that was rejected, one that was measured, one that crashed."""
    rejected = tmp_path_factory.mktemp("runs") / "rejected"
    shutil.copytree(TINY, rejected, ignore=shutil.ignore_patterns("int8_int8_int32"))
    return [rejected, MEASURED, CRASHED]


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(random=st.randoms(use_true_random=False))
def test_nothing_raises(runs: list[Path], tmp_path: Path, random: Random) -> None:
    whole = random.choice(runs)
    files = sorted(path for path in whole.rglob("*.json*") if path.name != "experiments.jsonl")
    file = random.choice(files)
    text = file.read_bytes()
    damage = damaged_lines if file.suffix == ".jsonl" else damaged
    folder = tmp_path / "run"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    (folder / file.relative_to(whole)).write_bytes(damage(random, text))
    try:
        run = store.load(folder)
    except UsageError:
        return
    page.write(run)
    run_diff.compare(whole, folder).to_json()
    for result in run.results:
        if result.trace is not None:
            coverage.coverage(result.trace)
            dtype_timeline.timeline(result.trace)
            ablation.first_ops(result.trace)
            with contextlib.suppress(UsageError):  # of a dtype that is none
                recording.judged(result.trace)


def test_a_shape_that_no_float_holds(runs: list[Path], tmp_path: Path) -> None:
    """Hypothesis found it: sizes of a constant beyond 10^308 bytes."""
    folder = tmp_path / "run"
    shutil.copytree(runs[0], folder)
    for table in (folder / "traces" / "int4" / "snapshots").glob("*.json"):
        rows = json.loads(table.read_text())
        for row in rows:
            if row.get("kind") == "constant" and row.get("shape"):
                row["shape"] = [10**200, 10**200]
        table.write_text(json.dumps(rows))
    assert page.write(store.load(folder)).exists()
