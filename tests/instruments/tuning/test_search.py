"""The search: what it survives, what it writes down, and where it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tunables import DEADLY, HANGING, REFUSED, WRONG, Schedules, kept

from tvmq_diag.instruments.recording.journal import Journal
from tvmq_diag.instruments.tuning import workers
from tvmq_diag.instruments.tuning.search import Search
from tvmq_diag.instruments.tuning.workers import Limits
from tvmq_diag.measurements import tuning
from tvmq_diag.measurements.tuning import Task

SOON = Limits(ready=1.0, run=1.0)


def searched(folder: Path, task: Schedules, seconds: float = 60.0) -> Task:
    trace = folder / "trace"
    trace.mkdir(exist_ok=True)
    journal = Journal(trace)
    Search([task], journal, folder / "records", SOON).all(seconds)
    journal.close()
    return tuning.load(trace).tasks[0]


def test_schedules_that_die_hang_or_are_refused_cost_nothing_else(tmp_path: Path) -> None:
    task = searched(tmp_path, Schedules({7: 5.0}))
    errors = {trial.point: trial.error for trial in task.trials if trial.error is not None}
    assert errors == {
        DEADLY: workers.DIED,
        HANGING: "still building after 1 s",
        REFUSED: "ValueError: for this target",
    }
    assert len(task.trials) == 12 and task.failed == 3
    assert task.winner is not None and task.winner.point == 7
    assert kept(tmp_path / "records")[HANGING] is None


def test_a_faster_schedule_that_computes_something_else_is_not_taken(tmp_path: Path) -> None:
    task = searched(tmp_path, Schedules({WRONG: 1.0, 7: 5.0}))
    (wrong,) = task.wrong
    assert (wrong.point, wrong.ms) == (WRONG, 1.0)
    assert wrong.outputs is not None and not wrong.outputs.same
    assert WRONG not in {one.point for one in task.candidates}
    assert task.winner is not None and task.winner.point == 7
    assert kept(tmp_path / "records")[WRONG] is None  # nor is it tried again


def test_the_best_that_keeps_the_layout_is_timed_too(tmp_path: Path) -> None:
    # 8 to 11 have the default's choice of the second knob.
    task = searched(tmp_path, Schedules({4: 1.0, 5: 2.0, 9: 3.0}))
    assert task.winner is not None and (task.winner.point, task.winner.keeps_layout) == (4, False)
    assert task.keeper is not None and (task.keeper.point, task.keeper.keeps_layout) == (9, True)


def test_where_nothing_is_faster_nothing_is_timed_again(tmp_path: Path) -> None:
    task = searched(tmp_path, Schedules({}))
    assert task.candidates == [] and task.winner is None


def test_the_next_run_goes_on_where_this_one_was_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, batches = workers.batch, 0

    def ended(*arguments: object) -> object:
        nonlocal batches
        batches += 1
        if batches == 4:
            raise KeyboardInterrupt
        return begin(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "batch", ended)
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path, Schedules({7: 5.0}))
    monkeypatch.undo()
    known = kept(tmp_path / "records")
    assert 0 < len(known) < 12
    for file in (tmp_path / "trace").iterdir():
        if file.is_file():
            file.unlink()
    task = searched(tmp_path, Schedules({7: 5.0}))
    assert task.begins.known == len(known)
    assert not known.keys() & {trial.point for trial in task.trials}
    assert task.winner is not None and task.winner.point == 7


def test_what_earlier_runs_tried_is_enough_to_win(tmp_path: Path) -> None:
    searched(tmp_path, Schedules({7: 5.0}))
    task = searched(tmp_path, Schedules({7: 5.0}), seconds=0)
    assert task.begins.known == 12
    assert task.winner is not None and task.winner.point == 7


def test_a_default_that_dies_leaves_nothing_to_compare_with(tmp_path: Path) -> None:
    class Dead(Schedules):
        def timer(self, point: int | None) -> workers.Run:
            return super().timer(DEADLY if point is None else point)

    task = searched(tmp_path, Dead({7: 5.0}))
    assert task.begins.ms is None and task.begins.error == workers.DIED
    assert task.trials == []
