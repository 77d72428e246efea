"""What a page says about tuning."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs
from support import journals

from tvmq_diag.measurements import tuning
from tvmq_diag.measurements.benchmark import FLOAT, Benchmark
from tvmq_diag.measurements.paired import Ratio
from tvmq_diag.measurements.tuning import TunedModel
from tvmq_diag.reports.formatting import TIMES
from tvmq_diag.reports.pages import run as page
from tvmq_diag.reports.views import tuning as views
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Run
from tvmq_diag.trace.layout import RECORDS

INT8 = "int8/int8/int32"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that was tuned: int8 got faster, float did not."""
    folder = tmp_path / "run"
    found = tuning.load(journals.tuning(folder / "traces" / "tuning"))
    (folder / RECORDS).mkdir()
    (folder / RECORDS / "int8_int8_int32.log").write_text("{}\n")
    slower = TunedModel("the fastest of each kernel", 1, True, 1e-7, 1.0, True, Ratio(1.1, 1, 1.2))
    slower.why = "it is not faster than the model without records"
    faster = TunedModel("layouts as they were", 3, True, 0.0, 1.0, True, Ratio(0.8, 0.7, 0.9), True)
    facts = RunFacts(dialect="relay", tune=60.0, tuned={FLOAT: [slower], INT8: [faster]})
    times = {FLOAT: [10.0] * 6, INT8: [14.4] * 6, f"{INT8}, tuned": [12.0] * 6}
    return Run(folder, facts, benchmark=Benchmark(times=times), tuning=found)


def test_before_and_after_with_what_became_of_it(run: Run) -> None:
    view = views.view(run)
    assert view is not None
    (row,) = view.ratios
    assert (row.before, row.after) == (
        f"1.440{TIMES} [1.440, 1.440]",
        f"1.200{TIMES} [1.200, 1.200]",
    )
    assert row.words == "50% of its disadvantage was tuning" and row.words in view.summary
    assert view.bars is not None and "12.0 ms" in view.bars


def test_what_was_not_taken_says_why(run: Run) -> None:
    view = views.view(run)
    assert view is not None
    floats, int8 = view.models
    assert not floats.taken and floats.fate == "it is not faster than the model without records"
    assert int8.taken and int8.outputs == "equal"


def test_a_kernel_has_what_was_tried_and_what_failed(run: Run) -> None:
    view = views.view(run)
    assert view is not None
    (task,) = view.tasks
    assert (task.tried, task.failed) == ("3 of 8", "1")
    assert task.ratio == f"0.600{TIMES} [0.600, 0.600]"
    assert task.fate == (
        "✓ faster; ✗ one that seemed faster by a single timing (0.20 of the default), its results "
        "are others, by up to 7"
    )
    assert view.failures == [("the process dies", 1)]


def test_the_page_has_all_of_it(run: Run) -> None:
    text = page.write(run).read_text(encoding="utf-8")
    assert "What tuning gains" in text and "tuning/int8_int8_int32.log" in text
    assert "with autotvm.apply_history_best(&#39;int8_int8_int32.log&#39;):" in text
    assert "Not all was tuned" in text  # the sample has a fault


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"faults": ["tuning: no"]}, "Tuning failed"),
        ({"faults": [], "tasks": {}}, "There was nothing to tune"),
        ({"faults": [], "complete": False}, "Tuning was cut off"),
        ({"faults": []}, "No schedule was faster than the default"),
    ],
)
def test_what_tuning_came_to_where_nothing_was_timed(
    run: Run, change: dict[str, object], said: str
) -> None:
    run.benchmark, run.facts.tuned = None, {}
    assert run.tuning is not None
    for name, value in change.items():
        setattr(run.tuning, name, value)
    view = views.view(run)
    assert view is not None and view.summary.startswith(said)


def test_a_run_that_was_not_tuned_has_no_such_part(tmp_path: Path) -> None:
    assert views.view(Run(tmp_path, RunFacts())) is None


def test_a_time_too_short_for_any_trial_says_so(run: Run) -> None:
    assert run.tuning is not None
    for task in run.tuning.tasks.values():
        task.trials.clear()
        task.begins = structs.replace(task.begins, known=0)
    run.tuning.faults.clear()
    run.tuning.complete, run.facts.tuned = True, {}
    view = views.view(run)
    assert view is not None and view.summary == "There was no time to try a schedule"
    assert "ask for more (--tune)" in view.about and "timed once more" not in view.about


def test_what_was_cut_off_claims_no_timing_in_turn(run: Run) -> None:
    assert run.tuning is not None
    run.tuning.complete, run.facts.tuned = False, {}
    view = views.view(run)
    assert view is not None and view.about.startswith("Before the end of ")
    assert "timed once more" not in view.about
