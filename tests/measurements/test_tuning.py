"""What tuning left behind: which schedules count, and what they do to a ratio."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import journals

from tvmq_diag.measurements import tuning
from tvmq_diag.measurements.benchmark import FLOAT, Benchmark
from tvmq_diag.measurements.tuning import Candidate, Outputs, Task, TaskBegins, Tuning, Use

SAME = Outputs(True, 0.0)


def candidate(ms: list[float], **fields: object) -> Candidate:
    values = {"outputs": SAME, "record": "line", **fields}
    return Candidate(0, 3, [2.0] * len(ms), ms, **values)  # type: ignore[arg-type]


def task(*candidates: Candidate) -> Task:
    return Task(TaskBegins(0, "conv2d", "", 8, 0, {"int8": Use(1)}), candidates=list(candidates))


def test_a_winner_that_is_faster_only_by_the_middle_is_not_taken() -> None:
    noisy = candidate([1.5, 1.6, 1.7, 1.8, 2.3, 2.4, 1.9, 2.2, 1.4, 1.5])
    assert noisy.ratio is not None and noisy.ratio.value < 1 < noisy.ratio.high
    assert not noisy.taken and task(noisy).winner is None


def test_a_schedule_that_was_lucky_once_is_not_taken() -> None:
    # 1.26 times slower in turn with the default, whatever a single timing said.
    assert task(candidate([2.52] * 21)).winner is None


def test_a_faster_one_counts_if_it_computes_the_same() -> None:
    assert task(candidate([1.5] * 8)).winner is not None
    assert task(candidate([1.5] * 8, outputs=Outputs(False, 1.0))).winner is None
    assert task(candidate([1.5] * 8, outputs=None, error="the process dies")).winner is None
    assert task(candidate([])).winner is None


def test_the_fastest_wins_and_of_those_that_keep_the_layout_too() -> None:
    kept = candidate([1.8] * 8, record="kept")
    moved = candidate([1.5] * 8, record="moved", keeps_layout=False)
    found = Tuning({0: task(kept, moved)})
    assert found.records("int8") == ["moved"]
    assert found.records("int8", keep_layout=True) == ["kept"]
    assert found.records(FLOAT) == []


def test_before_and_after_are_from_the_same_rounds() -> None:
    # The machine is three times as slow in the second round, for all alike.
    times = {FLOAT: [10.0, 30.0], "float32, tuned": [9.0, 27.0], "int8": [13.0, 39.0]}
    times["int8, tuned"] = [9.9, 29.7]
    gain = tuning.gain(Benchmark(times=times), "int8", FLOAT)
    assert gain is not None and gain.own is not None and gain.floats is not None
    assert gain.before.value == pytest.approx(1.3) and gain.after.value == pytest.approx(1.1)
    assert gain.change.value == pytest.approx(1.1 / 1.3)
    assert gain.own.value == pytest.approx(9.9 / 13) and gain.floats.value == pytest.approx(0.9)
    assert gain.change.high == pytest.approx(gain.change.low)


def test_where_only_one_got_faster_the_other_stays_as_it_was() -> None:
    times = {FLOAT: [10.0] * 6, "int8": [13.0] * 6, "int8, tuned": [11.0] * 6}
    gain = tuning.gain(Benchmark(times=times), "int8", FLOAT)
    assert gain is not None and gain.floats is None and gain.after.value == pytest.approx(1.1)
    del times["int8, tuned"]
    assert tuning.gain(Benchmark(times=times), "int8", FLOAT) is None


def test_a_journal_is_read_back(tmp_path: Path) -> None:
    read = tuning.load(journals.tuning(tmp_path))
    (one,) = read.tasks.values()
    assert (one.begins.points, one.begins.known, one.begins.ms) == (8, 1, 2.5)
    assert one.begins.uses == {"int8": Use(2, 4.5), FLOAT: Use(1)}
    assert (len(one.trials), one.failed, one.best_ms) == (2, 1, 1.5)
    assert read.records("int8") == ["{}"] and read.complete
    assert read.facts.seconds == 60.0 and read.faults == ["tuning: no"]
