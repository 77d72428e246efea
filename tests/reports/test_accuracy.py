"""How near outputs are to the float model's: on the page and in the terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Console

from tvmq_diag.analysis import judge
from tvmq_diag.configuration import parse
from tvmq_diag.measurements import outputs
from tvmq_diag.measurements.metrics import Metrics
from tvmq_diag.measurements.outputs import Array, Outputs
from tvmq_diag.reports.formatting import DASH
from tvmq_diag.reports.pages import run as page
from tvmq_diag.reports.text import sweep
from tvmq_diag.reports.text import verdict as verdict_text
from tvmq_diag.reports.views import accuracy
from tvmq_diag.results import verdict as outcome
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.verdict import Verdict
from tvmq_diag.trace.trace import Trace


def shown(renderable: object) -> str:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def judged(outputs_of: list[tuple[Array, Array]], labels: list[int] | None = None) -> Metrics:
    """On four inputs, for each of which an output is a row."""
    ours, floats = zip(*outputs_of, strict=True)
    column = None if labels is None else np.array(labels)[:, np.newaxis]
    return outputs.compare(Outputs(list(ours)), Outputs(list(floats), column))


SCORES = np.eye(4)[:, np.newaxis, :]


def test_what_was_judged_on_several_inputs_is_told_with_the_worst(tmp_path: Path) -> None:
    classes = np.arange(4)[:, np.newaxis]
    ours = SCORES.copy()
    ours[2, 0] = 0.9, 0, 0, 0
    metrics = judged([(ours, SCORES), (classes, classes)], [0, 1, 2, -1])
    results = [
        Result(Verdict("int8", "relay", outcome.WRONG, "check", metrics=metrics), Role.REQUESTED),
        Result(Verdict("float32", "relay", outcome.WORKS, "run"), Role.FLOAT),
    ]
    text = " ".join(shown(verdict_text.lines(results[0])).split())
    assert "cosine 0.7500 (worst 0.0000), SQNR" in text
    assert "same top-1 3 of 4 times (75 % [30 %, 95 %]), value 4 of 4 times" in text
    assert "top-1 67 % [21 %, 94 %] of 3 labels, float 100 %" in text
    run = Run(tmp_path, RunFacts(), results)
    table = shown(sweep.table(run))
    assert "worst" in table and "top-1" in table and "100 %" in table
    view = accuracy.view(metrics)
    assert view is not None and "4 inputs" in view.about
    first, second = view.rows
    assert first.name == "0: float64 [1, 4]" and first.cosine == "0.7500\n0.0000 (#2)"
    assert second.name == "1: int64 [1]" and second.cosine == DASH
    assert second.same.startswith("4 of 4 times (100 % [")
    html = page.write(run).read_text(encoding="utf-8")
    assert "Against the float model" in html and "worst 0.000" in html


def test_of_one_input_nothing_is_said_twice() -> None:
    view = accuracy.view(outputs.compare(outputs.one([SCORES[0]]), outputs.one([SCORES[0]])))
    assert view is not None and "not looked at" in view.about
    assert view.rows[0].cosine == "1.0000" and view.rows[0].differs == DASH


def test_labels_have_no_cosine() -> None:
    classes = np.arange(4)[:, np.newaxis]
    metrics = judged([(classes, classes)])
    assert accuracy.figures(metrics) == []
    assert accuracy.same(metrics) == ["value 4 of 4 times (100 % [51 %, 100 %])"]


def test_where_nothing_can_be_said_no_figure_is_printed() -> None:
    flat = 1 + 1e-9 * SCORES
    result = judge.of_result(
        parse("int8/int8/int32"), "relay", Trace(Path("x")), judged([(flat, flat)])
    )
    text = shown(verdict_text.lines(Result(result, Role.REQUESTED)))
    assert "? int8/int8/int32 not judged: the float model's own outputs" in text
    assert "cosine" not in text and "SQNR" not in text
