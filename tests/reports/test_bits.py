"""How few bits stay right, on a page."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.pages import EVIL, Outline
from support.runs import TINY

from tvmq_diag.measurements.bit_search import BitSearch, BitTrial, SearchFacts
from tvmq_diag.reports.pages import run as page
from tvmq_diag.reports.views import bits
from tvmq_diag.results import store
from tvmq_diag.results.run import Run


def trial(weights: int, worst: float, activations: int = 8, inputs: int = 16) -> BitTrial:
    return BitTrial(weights, activations, "power2", 8.0, inputs, worst, worst, 12.0, 1.0)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    loaded = store.load(TINY)
    loaded.directory = tmp_path
    loaded.search = BitSearch([trial(8, 0.99), trial(5, 0.96), trial(4, 0.9, inputs=4)])
    loaded.search.trials.append(trial(5, 0.95, activations=6))
    return loaded


def test_without_a_search_there_is_nothing_to_show() -> None:
    assert bits.view(store.load(TINY)) is None


def test_the_fewest_that_are_right_and_what_came_of_those_compiled(run: Run) -> None:
    view = bits.view(run)
    assert view is not None
    assert view.summary == "Weights of 5 bits are the fewest that were found right in simulation"
    assert [(row.weights, row.right) for row in view.weights] == [(8, True), (5, True), (4, False)]
    assert [(row.weights, row.activations) for row in view.activations] == [(5, 6)]
    assert view.weights[0].settings == "as TVM sets it"
    assert view.weights[0].compiled.startswith("works, cosine")  # int8/int8/int32 itself
    assert not view.weights[1].compiled


def test_where_nothing_is_right_or_time_was_up_it_says_so(run: Run) -> None:
    run.search = BitSearch([trial(8, 0.5)], SearchFacts(time_up=True), [EVIL])
    view = bits.view(run)
    assert view is not None
    assert view.summary == "No setting that was tried before the time was up is right"
    text = page.write(run).read_text(encoding="utf-8")
    assert not Outline(text).open and EVIL not in text and "Not all was searched" in text


def test_the_page_has_a_line_for_each_width(run: Run) -> None:
    said = " ".join(" ".join(Outline(page.write(run).read_text(encoding="utf-8")).text).split())
    for part in ("How few bits", "5 bits", "≠ wrong", "as TVM sets it", "neither bytes nor time"):
        assert part in said, part
