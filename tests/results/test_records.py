"""What runs and the records beside them hold: of the version before, damaged, of a newer one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.damage import damaged
from support.runs import CRASHED, MEASURED, TINY

from tvmq_diag.comparison import baseline, record, run_diff
from tvmq_diag.errors import UsageError
from tvmq_diag.measurements.benchmark import FLOAT, Benchmark
from tvmq_diag.measurements.metrics import Metrics
from tvmq_diag.reports.pages import index
from tvmq_diag.reports.pages import run as page
from tvmq_diag.results import benchmark_record, store, support_matrix, version_matrix
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.support_matrix import Cell, CellStep, Matrix, MatrixFacts
from tvmq_diag.results.verdict import WORKS, Alternative, Verdict
from tvmq_diag.results.version_matrix import Versions, VersionsFacts, columns
from tvmq_diag.trace import layout

OLD = pytest.mark.parametrize("folder", [TINY, MEASURED, CRASHED], ids=lambda folder: folder.name)

RANDOM = st.randoms(use_true_random=False)

OFTEN = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def copied(source: Path, folder: Path) -> Path:
    return Path(shutil.copytree(source, folder, dirs_exist_ok=True))


def without_newer(now: dict[str, Any], before: dict[str, Any], blank: msgspec.Struct) -> None:
    """Take out what is only written since; it must be as if nothing were known."""
    defaults = msgspec.to_builtins(blank)
    for name in now.keys() - before.keys():
        assert now.pop(name) == defaults[name], name


@OLD
def test_a_run_of_the_version_before_is_read_whole(folder: Path) -> None:
    run = store.load(folder)
    assert run.problems == [] and run.facts.extra == {}
    for result in run.results:
        parts = (result.trace, result.numerics, result.bisection)
        assert all(part is None or part.problems == [] for part in parts)
    written = json.loads((folder / layout.VERDICTS).read_text())
    verdicts = [r.verdict.to_json() for r in run.results if r.role != Role.FLOAT]
    for old, new in zip(written, verdicts, strict=True):
        new["role"] = old["role"]
        without_newer(new, old, Verdict("", "", ""))
        if old["instead"]:
            without_newer(new["instead"], old["instead"], Alternative(""))
        for now, before in ((new, old), (new["instead"] or {}, old["instead"] or {})):
            if before.get("metrics") is not None:
                without_newer(now["metrics"], before["metrics"], Metrics(None, None, None, None))
        without_newer(new, old, Verdict("", "", ""))
        assert new == old
    facts = run.facts.to_json()
    without_newer(facts, written := json.loads((folder / layout.FACTS).read_text()), RunFacts())
    assert facts == written


def test_what_was_measured_before_is_read_whole() -> None:
    run = store.load(MEASURED)
    assert run.benchmark is not None and not run.benchmark.problems
    assert len(run.benchmark.times[FLOAT]) == 30 and run.benchmark.noise is not None
    assert run.benchmark.kernels[FLOAT] and run.benchmark.facts.threads
    results = {result.verdict.configuration: result for result in run.results}
    numbers = results["int8/int8/int32"].numerics
    assert numbers is not None and numbers.complete and numbers.by_tvm
    assert [len(numbers.anchors), len(numbers.steps)] == [13, 12]
    bisection = results["int8/int8/int32:nbit=4"].bisection
    assert bisection is not None and bisection.culprit is not None and bisection.complete
    assert bisection.culprit.name == "QuantizeRealize" and len(bisection.steps) == 7
    int4 = results["int4"].verdict
    assert int4.instead is not None and int4.instead.configuration == "int8/int8/int32:nbit=5"
    assert int4.knob_map is not None and len(int4.knob_map) == 5
    assert run.facts.float_model is not None and run.facts.float_model.latency_ms["tvm"].min > 0


def test_a_crash_of_before_is_read_whole() -> None:
    crashed = next(r for r in store.load(CRASHED).results if r.verdict.outcome == "crashed")
    trace = crashed.trace
    assert trace is not None and trace.investigated and trace.map is not None
    assert trace.smallest is not None and trace.blamed() is not None
    assert crashed.tail.startswith("malloc_consolidate()")


@OLD
def test_a_run_of_the_version_before_has_a_page_and_can_be_compared(
    folder: Path, tmp_path: Path
) -> None:
    written = page.write(store.load(copied(folder, tmp_path / "run")))
    text = written.read_text(encoding="utf-8")
    assert "cannot be shown" not in text and "damaged" not in text
    for result in store.load(folder).results:
        assert result.verdict.configuration in text
    assert run_diff.compare(folder, tmp_path / "run").headline == "no difference"
    assert run_diff.compare(TINY, folder).configurations
    listed = index.write(tmp_path).read_text(encoding="utf-8")
    assert "run/index.html" in listed and "cannot be read" not in listed
    assert baseline.of_run(store.load(folder)).promises


def test_what_a_newer_version_wrote_is_kept(tmp_path: Path) -> None:
    folder = copied(MEASURED, tmp_path / "run")
    for file in (layout.FACTS, layout.VERDICTS):
        record = json.loads((folder / file).read_text())
        inside = record if isinstance(record, dict) else record[0]
        inside["mood"] = {"good": True}
        (folder / file).write_text(json.dumps(record))
    run = store.load(folder)
    assert run.problems == [] and run.facts.extra == {"mood": {"good": True}}
    store.write(run)
    assert json.loads((folder / layout.FACTS).read_text())["mood"] == {"good": True}


@pytest.mark.parametrize("name", [field.encode_name for field in msgspec.structs.fields(Verdict)])
def test_a_damaged_field_of_a_verdict_is_named_and_costs_no_other(
    name: str, tmp_path: Path
) -> None:
    folder = copied(MEASURED, tmp_path / "run")
    verdicts = json.loads((folder / layout.VERDICTS).read_text())
    verdicts[0][name] = [{"no": ["such"]}]
    (folder / layout.VERDICTS).write_text(json.dumps(verdicts))
    run = store.load(folder)
    assert len(run.problems) == 1 and "verdict.json is damaged" in run.problems[0]
    needed = name in ("configuration", "toolchain", "outcome")
    assert len(run.results) == len(verdicts) + (not needed)  # and the float model
    if not needed:
        assert run.problems[0] == f"{name!r} of int4 in verdict.json is damaged"
        assert run.results[0].verdict.outcome == "rejected"
    assert run.problems[0] in page.write(run).read_text(encoding="utf-8").replace("&#39;", "'")


@pytest.mark.parametrize(
    "name", [f.encode_name for f in msgspec.structs.fields(RunFacts) if f.name != "extra"]
)
def test_a_damaged_fact_of_a_run_is_named_and_costs_no_other(name: str, tmp_path: Path) -> None:
    folder = copied(MEASURED, tmp_path / "run")
    facts = json.loads((folder / layout.FACTS).read_text())
    (folder / layout.FACTS).write_text(json.dumps({**facts, name: [{"no": ["such"]}]}))
    run = store.load(folder)
    assert run.problems == [f"{name!r} in run.json is damaged"]
    assert name == "model" or run.facts.model == "tiny"


@OFTEN
@given(random=RANDOM)
@pytest.mark.parametrize("file", [layout.VERDICTS, layout.FACTS])
def test_a_damaged_run_is_read_or_refused_in_a_line(
    file: str, tmp_path: Path, random: Random
) -> None:
    folder = copied(MEASURED, tmp_path / "run")
    (folder / file).write_bytes(damaged(random, (MEASURED / file).read_bytes()))
    index.write(tmp_path)
    try:
        run = store.load(folder)
    except UsageError as error:
        assert str(error).startswith(f"no run in {folder} that can be read: ")
        return
    store.write(run)


# The records beside runs


def matrix(folder: Path) -> None:
    facts = MatrixFacts(created="2026-01-01", toolchain="relay", tvm_version="0.16", seconds=3.5)
    steps = [
        CellStep("type inference", True),
        CellStep("realize", False, "no", "MulAndDiv", "all of it"),
    ]
    work = Matrix(["add"], ["int4"], [Cell("add", "int4", steps)], facts)
    (folder / support_matrix.RECORD).write_text(json.dumps(work.to_json()))


def benchmark(folder: Path) -> None:
    measured = Benchmark(times={FLOAT: [2.0] * 6, "int8": [1.0] * 6})
    record = benchmark_record.to_json(measured, RunFacts(created="2026-01-01", model="tiny"))
    (folder / benchmark_record.RECORD).write_text(json.dumps(record))


def versions(folder: Path) -> None:
    work = Versions(["int8"], columns(["relay"], []), VersionsFacts(created="2026", model="tiny"))
    (column,) = work.columns
    column.version, column.dialect = "0.16", "relay"
    works = Result(Verdict("int8", "relay", WORKS), Role.REQUESTED)
    column.run = Run(folder, RunFacts(), [works])
    (folder / version_matrix.RECORD).write_text(json.dumps(work.to_json()))


def comparison(folder: Path) -> None:
    compared = run_diff.compare(MEASURED, MEASURED)
    whole = {"created": "2026-01-01", **compared.to_json()}
    (folder / record.RECORD).write_text(json.dumps(whole))


RECORDS: dict[str, tuple[Callable[[Path], None], Callable[[Path], Any], str]] = {
    support_matrix.RECORD: (matrix, support_matrix.load, "0 of 1 cells work: 0 of 1 in int4"),
    benchmark_record.RECORD: (benchmark, benchmark_record.load, "int8 0.50\u00d7 float"),
    version_matrix.RECORD: (versions, version_matrix.load, "1 of 1 work on relay (TVM 0.16)"),
    record.RECORD: (comparison, record.load, "no difference; 0 regressions"),
}


@pytest.fixture(params=RECORDS)
def file(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_record_is_read_as_it_was_written_and_listed(file: str, tmp_path: Path) -> None:
    write, load, headline = RECORDS[file]
    folder = tmp_path / "one"
    folder.mkdir()
    write(folder)
    loaded = load(folder)
    assert loaded.headline == headline and loaded.created.startswith("2026")
    listed = index.write(tmp_path).read_text(encoding="utf-8")
    assert headline in listed and loaded.title in listed and "cannot be read" not in listed


def test_no_record_is_said_in_a_line(file: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{file} cannot be read"):
        RECORDS[file][1](tmp_path)


@OFTEN
@given(random=RANDOM)
def test_a_damaged_record_costs_its_line(
    file: str, tmp_path_factory: pytest.TempPathFactory, random: Random
) -> None:
    runs = tmp_path_factory.mktemp("runs")
    write, load, headline = RECORDS[file]
    for name in ("bad", "good"):
        (runs / name).mkdir()
        write(runs / name)
    path = runs / "bad" / file
    path.write_bytes(damaged(random, path.read_bytes()))
    listed = index.write(runs).read_text(encoding="utf-8")
    assert headline in listed and ">good" in listed
    try:
        load(runs / "bad")
    except UsageError:
        assert "<li>bad: " in listed
    else:
        assert ">bad" in listed


@OFTEN
@given(random=RANDOM)
def test_a_damaged_baseline_is_refused_in_a_line(tmp_path: Path, random: Random) -> None:
    path = tmp_path / "b.toml"
    baseline.write(baseline.of_run(store.load(MEASURED)), path)
    lines = path.read_bytes().splitlines()
    number = random.randint(0, len(lines) - 1)
    wrong = random.choice([b"x", b"[]", b"nan", b"-inf", b"1e400", b"{a = 1}", b"\xff"])
    lines[number] = lines[number].partition(b"=")[0] + b"= " + wrong
    path.write_bytes(b"\n".join(lines))
    try:
        baseline.read(path)
    except UsageError as error:
        assert str(path) in str(error)
