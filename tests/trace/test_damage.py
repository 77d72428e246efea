"""Journals and op tables that were cut, edited, or written by another version."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import journals
from support.damage import damaged, damaged_lines

from tvmq_diag.analysis import recording
from tvmq_diag.errors import UsageError
from tvmq_diag.instruments.protocol.schema import JOURNAL
from tvmq_diag.measurements import benchmark, bisection, numerics, tuning
from tvmq_diag.trace import events, ops, reader, simulated, snapshot, steps
from tvmq_diag.trace.snapshot import Node, Snapshot

Load = Callable[[Path], Any]

JOURNALS: dict[str, tuple[Callable[[Path], Path], Load, Any]] = {
    "trace": (journals.trace, reader.load, events.TraceEvent),
    "benchmark": (journals.benchmark, benchmark.load, benchmark.BenchmarkEvent),
    "numerics": (journals.numerics, numerics.load, numerics.NumericsEvent),
    "bisection": (journals.bisection, bisection.load, bisection.BisectionEvent),
    "tuning": (journals.tuning, tuning.load, tuning.TuningEvent),
}

RANDOM = st.randoms(use_true_random=False)

OFTEN = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(params=JOURNALS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each written once, as times are in them."""
    return {kind: JOURNALS[kind][0](tmp_path_factory.mktemp(kind)) for kind in JOURNALS}


def test_each_kind_of_event_is_in_the_sample_and_none_is_damaged(
    kind: str, samples: dict[str, Path]
) -> None:
    _, load, union = JOURNALS[kind]
    assert not any("damaged" in problem for problem in load(samples[kind]).problems)
    lines = (samples[kind] / JOURNAL).read_text().splitlines()
    kinds = {event.__struct_config__.tag for event in get_args(union)}
    assert {json.loads(line)["kind"] for line in lines} == kinds


@OFTEN
@given(random=RANDOM)
def test_whatever_is_damaged_the_rest_is_read(
    kind: str,
    samples: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
    random: Random,
) -> None:
    text = damaged_lines(random, (samples[kind] / JOURNAL).read_bytes())
    folder = shutil.copytree(samples[kind], tmp_path_factory.mktemp(kind), dirs_exist_ok=True)
    (folder / JOURNAL).write_bytes(text)
    try:
        loaded = JOURNALS[kind][1](folder)
    except UsageError as error:
        assert "newer tvmq_diag" in str(error)
        return
    if kind == "trace":
        loaded.failing_snapshot()
        recording.judged(loaded)


def fields(union: Any) -> list[tuple[str, str]]:
    """Every declared field of every kind of event."""
    return [
        (event.__struct_config__.tag, field.encode_name)
        for event in get_args(union)
        for field in msgspec.structs.fields(event)
    ]


def test_a_field_of_another_type_is_named(
    kind: str, samples: dict[str, Path], tmp_path: Path
) -> None:
    _, load, union = JOURNALS[kind]
    lines = (samples[kind] / JOURNAL).read_bytes().splitlines()
    for tag, name in fields(union):
        number = next(i for i, line in enumerate(lines) if json.loads(line)["kind"] == tag)
        event = json.loads(lines[number])
        event[name] = [{"no": ["such"]}]
        changed = [*lines[:number], json.dumps(event).encode(), *lines[number + 1 :]]
        (tmp_path / JOURNAL).write_bytes(b"\n".join(changed))
        said = f"event {tag!r} in the "
        problems = [text for text in load(tmp_path).problems if text.startswith(said)]
        assert len(problems) == 1 and problems[0].endswith(" is damaged"), (tag, name)


@pytest.mark.parametrize("name", ["target", "threads", "qconfig", "versions", "job"])
def test_a_fact_of_another_type_is_named_and_costs_no_other(name: str, tmp_path: Path) -> None:
    path = journals.trace(tmp_path) / JOURNAL
    event = {"kind": "facts", "values": {name: 7.5, "pipeline": "default", "mine": [1]}}
    path.write_bytes(path.read_bytes() + json.dumps(event).encode() + b"\n")
    loaded = reader.load(tmp_path)
    assert loaded.problems == [f"fact {name!r} in the journal is damaged"]
    assert loaded.facts.pipeline == "default" and loaded.facts.extra == {"mine": [1]}
    assert loaded.facts.target == "llvm"


def test_what_a_newer_version_writes_is_passed_over(tmp_path: Path) -> None:
    path = journals.trace(tmp_path) / JOURNAL
    newer = [{"kind": "forecast", "t": 9.0}, {"kind": "stage", "name": "run", "mood": "good"}]
    path.write_text(path.read_text() + "".join(json.dumps(event) + "\n" for event in newer))
    loaded = reader.load(tmp_path)
    assert not loaded.problems and loaded.stage == "run"


def test_numbers_and_texts_beyond_json_are_read(tmp_path: Path) -> None:
    """Python's json writes them: an infinite pad, a file name of other bytes than UTF-8."""
    folder = journals.trace(tmp_path)
    rows = [{"kind": "constant", "value": float("-inf")}, {"kind": "var", "name": "\udcff"}]
    (folder / "snapshots" / "00001.json").write_text(json.dumps(rows))
    journal = folder / JOURNAL
    journal.write_text(journal.read_text().replace('"command":["x"]', r'"command":["\udcff.py"]'))
    loaded = reader.load(folder)
    snapshot = loaded.snapshot(1)
    assert snapshot is not None and not loaded.problems
    assert snapshot.nodes[0].value == float("-inf") and snapshot.nodes[1].name == "?"
    assert loaded.facts.command == ["?.py"]


@OFTEN
@given(random=RANDOM)
def test_an_op_table_is_read_as_far_as_it_goes(tmp_path: Path, random: Random) -> None:
    folder = tmp_path / "t"
    if not folder.exists():
        journals.trace(folder)
    table = json.dumps(journals.ROWS).encode()
    (folder / "snapshots" / "00001.json").write_bytes(damaged(random, table))
    loaded = reader.load(folder)
    snapshot = loaded.snapshot(1)
    assert snapshot is not None
    assert all(0 <= i < node.number for node in snapshot.nodes for i in node.inputs)
    snapshot.executed()
    recording.judged(loaded)


def test_a_row_keeps_what_is_as_declared(tmp_path: Path) -> None:
    folder = journals.trace(tmp_path)
    rows = [*journals.ROWS[:2], {**journals.ROWS[2], "dtype": 7, "value": "x"}, 7]
    (folder / "snapshots" / "00001.json").write_text(json.dumps(rows))
    loaded = reader.load(folder)
    snapshot = loaded.snapshot(1)
    assert snapshot is not None
    call, last = snapshot.nodes[2:]
    assert (call.op, call.inputs, call.dtype, call.value) == ("add", (0, 1), None, None)
    assert (last.kind, last.number) == ("?", 3)
    assert loaded.problems == ["snapshot 1: 2 rows are not as they were written"]


@pytest.mark.parametrize("name", [JOURNAL, "output.txt", "snapshots/00001.json"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(name: str, tmp_path: Path) -> None:
    folder = journals.trace(tmp_path / "t")
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    with contextlib.suppress(UsageError):
        loaded = reader.load(folder)
        loaded.snapshot(1)


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"kind": "constant", "dtype": "float32", "shape": [], "value": 10**400}, None),
        ({"kind": "constant", "dtype": "int64", "shape": [], "value": -(2**63)}, -(2.0**63)),
    ],
)
def test_a_number_that_no_dtype_holds_is_damage(row: dict[str, Any], shown: float | None) -> None:
    read = snapshot.table(json.dumps([row]).encode())
    assert read.damaged == (shown is None)
    assert read.nodes[0].value == shown


@pytest.mark.parametrize("bits", [0, -3, 65, 10**12])
def test_widths_that_no_dtype_has_are_not_computed_with(bits: int) -> None:
    step = Node(1, "call", "tvmq.simulated_quantize", (0,), attrs={"bits": bits, "kind": "input"})
    module = Snapshot(1, (Node(0, "var", name="x"), step), vocabulary=ops.RELAX)
    settings_of = steps.read(step, module)
    assert settings_of is not None and (settings_of.low, settings_of.high) == (None, None)
    found = simulated.simulated(step, module)
    assert found is None or (found.least, found.greatest) == (None, None)


def test_a_place_below_zero_is_damage(tmp_path: Path) -> None:
    folder = journals.trace(tmp_path)
    journal = folder / JOURNAL
    lines = journal.read_text(encoding="utf-8").splitlines()
    culprits = [i for i, line in enumerate(lines) if '"culprit"' in line]
    for i in culprits:
        lines[i] = json.dumps({**json.loads(lines[i]), "index": -7892})
    journal.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert culprits
    loaded = reader.load(folder)
    assert loaded.culprit is None and loaded.problems
    recording.judged(loaded)
