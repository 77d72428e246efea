"""How few bits stay right, on a page."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from support.pages import EVIL, Outline
from support.runs import TINY

from tvmq_diag.configuration import parse
from tvmq_diag.measurements.bit_search import BitSearch, BitTrial, SearchFacts, WeightNoise
from tvmq_diag.reports.formatting import DASH
from tvmq_diag.reports.pages import run as page
from tvmq_diag.reports.views import bits
from tvmq_diag.results import store
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.verdict import Alternative


def trial(weights: int, worst: float, activations: int = 8, inputs: int = 16) -> BitTrial:
    return BitTrial(weights, activations, "power2", 8.0, inputs, worst, worst, 12.0, 1.0)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    loaded = store.load(TINY)
    loaded.directory = tmp_path
    loaded.searches = [
        BitSearch([trial(8, 0.99), trial(5, 0.96), trial(4, 0.9, inputs=4)], complete=True)
    ]
    loaded.searches[0].trials.append(trial(5, 0.95, activations=6))
    return loaded


def test_without_a_search_there_is_nothing_to_show() -> None:
    assert bits.view(store.load(TINY)) is None


def test_the_fewest_that_are_right_and_what_came_of_those_compiled(run: Run) -> None:
    view = bits.view(run)
    assert view is not None
    [shown] = view.searches
    assert shown.summary == "5 bits a weight are the fewest that were found right in simulation"
    told = [(row.weights, row.right[0]) for row in shown.weights]
    assert told == [("8 bits", "✓"), ("5 bits", "✓"), ("4 bits", "≠")]
    assert [(row.weights, row.activations) for row in shown.activations] == [("5 bits", 6)]
    assert shown.each == [] and shown.assigned == [] and shown.apart == []
    assert shown.weights[0].settings == "as by default"
    assert shown.weights[0].compiled.startswith("works, cosine")  # int8/int8/int32 itself
    assert not shown.weights[1].compiled


def test_which_weight_has_how_many_bits(run: Run, tmp_path: Path) -> None:
    each = BitTrial(8, 8, "max", 16.0, 16, 0.955, 0.96, 12.0, 1.0, "83", 3.6)
    same = BitTrial(8, 8, "max", 16.0, 16, 0.91, 0.92, 12.0, 1.0, "55", 5.0)
    [search] = run.searches
    search.trials += [each, same]
    search.noises = [
        WeightNoise(1, EVIL, [64, 3, 3, 3], 1728, 4, 0.0, 4),
        WeightNoise(0, "nn.conv2d", [16, 3, 3, 3], 432, 4, 0.01, 4),
    ]
    requested = run.with_role(Role.REQUESTED)[0].verdict
    requested.instead = Alternative("int8/int8/int32:weight_scale=max:weight_bits=83")
    folder = tmp_path / "traces" / parse(requested.instead.configuration).slug
    folder.mkdir(parents=True)
    (folder / "bits.toml").write_text("", encoding="utf-8")
    view = bits.view(run)
    assert view is not None
    [shown] = view.searches
    assert shown.chart is not None
    assert shown.summary == (
        "3.6 bits a weight are the fewest that were found right in simulation, each with as many "
        "as it needs; with as many for all it is 5 bits"
    )
    assert [(row.weights, row.right[0]) for row in shown.assigned] == [("3.6 bits", "✓")]
    assert [(row.weights, row.right[0]) for row in shown.apart] == [("5 bits", "≠")]
    assert [(one.works, one.file) for one in view.instead] == [
        (requested.instead.configuration, f"traces/{folder.name}/bits.toml")
    ]
    assert "weight_bits" in str(view.instead[0].script)
    told = [(row.shape, row.noise, row.bits) for row in shown.each]
    assert told == [("16×3×3×3", "-20.0", "8"), ("64×3×3×3", "–", "3")]  # noqa: RUF001
    text = page.write(run).read_text(encoding="utf-8")
    assert not Outline(text).open and EVIL not in text and f"{quote(folder.name)}/bits.toml" in text
    assert "What is advised was compiled and judged" in text
    for name in ("as many for all weights", "each as many as it needs", "biases in 8 bits"):
        assert name in shown.chart


def test_where_nothing_is_right_or_time_was_up_it_says_so(run: Run) -> None:
    run.searches = [BitSearch([trial(8, 0.5)], facts=SearchFacts(time_up=True), faults=[EVIL])]
    view = bits.view(run)
    assert view is not None
    [shown] = view.searches
    assert shown.summary == "No setting that was tried before the time was up is right"
    text = page.write(run).read_text(encoding="utf-8")
    assert not Outline(text).open and EVIL not in text and "Not all was searched" in text
    assert "What is advised was compiled" not in text  # nothing is


def test_the_page_has_a_line_for_each_width(run: Run) -> None:
    said = " ".join(" ".join(Outline(page.write(run).read_text(encoding="utf-8")).text).split())
    for part in ("How few bits", "5 bits", "wrong", "as by default", "neither bytes nor time"):
        assert part in said, part


def test_ops_left_in_float_are_told_and_count_as_float(run: Run) -> None:
    kept = BitTrial(8, 8, "max", 8.0, 16, 0.96, 0.97, 12.0, 1.0, average=9.5,
                    skip="skip_conv_layers=0+3")  # fmt: skip
    assert kept.fields == ("weight_scale=max", "skip_conv_layers=0+3") and kept.bits == 9.5
    run.searches = [BitSearch([trial(8, -1.0), kept], complete=True)]
    view = bits.view(run)
    assert view is not None
    [shown] = view.searches
    assert shown.summary == (
        "9.5 bits a weight are the fewest that were found right in simulation. Ops are in float "
        "(skip_conv_layers=0+3), and their weights count as such"
    )
    assert [row.worst for row in shown.weights] == ["0.960"]


def test_without_a_cosine_there_is_none_to_show(run: Run) -> None:
    run.searches = [BitSearch([trial(8, -1.0)])]
    view = bits.view(run)
    assert view is not None and view.searches[0].weights[0].worst == DASH


def test_what_is_right_on_few_inputs_only_seems_so(run: Run) -> None:
    run.searches = [BitSearch([trial(8, 0.99), trial(7, 0.99, inputs=4)])]
    view = bits.view(run)
    assert view is not None
    [shown] = view.searches
    assert [row.right[0] for row in shown.weights] == ["✓", "≈"]
    assert "before it was interrupted" in shown.summary


def test_where_assigned_bits_are_no_better_it_is_said(run: Run) -> None:
    whole = [
        BitTrial(8, 8, "max", 8.0, 16, worst, worst, 12.0, 1.0, digits, bits)
        for digits, bits, worst in (
            ("55", 5.0, 0.97), ("64", 4.9, 0.98), ("44", 4.0, 0.96), ("53", 3.9, 0.95)
        )
    ]  # fmt: skip
    run.searches = [BitSearch(whole)]
    view = bits.view(run)
    assert view is not None
    assert view.searches[0].about.endswith("no better than as many for all at an average of 4")


def test_assigned_bits_are_shown_where_no_fewer_do_better(run: Run) -> None:
    whole = [
        BitTrial(8, 8, "max", 8.0, 16, worst, worst, 12.0, 1.0, digits, bits)
        for digits, bits, worst in (("87", 7.2, 0.99), ("76", 6.2, 0.9), ("65", 5.2, 0.95))
    ]
    run.searches = [BitSearch(whole)]
    view = bits.view(run)
    assert view is not None
    assert [row.weights for row in view.searches[0].assigned] == ["7.2 bits", "5.2 bits"]


def test_each_of_two_searches_is_shown_with_what_was_compiled_of_it(run: Run) -> None:
    over = BitSearch([trial(8, 0.99), trial(6, 0.96)], over_data=True)
    run.searches.append(over)
    works = msgspec.structs.replace(
        run.with_role(Role.REQUESTED)[0].verdict,
        configuration="int8/int8/int32:calibrate_mode=percentile:nbit_weight=6",
    )
    run.results.append(Result(works, Role.INSTEAD))
    view = bits.view(run)
    assert view is not None
    first, second = view.searches
    assert first.origin and second.origin and first.origin != second.origin
    told = {row.weights: row.compiled for row in second.weights}
    assert told["6 bits"].startswith("works") and not told["8 bits"]
    assert all("6 bits" not in row.weights for row in first.weights)


def test_what_was_compiled_is_drawn_beside_float(run: Run) -> None:
    view = bits.view(run)
    assert view is not None and view.compiled is not None
    assert "int8/int8/int32" in view.compiled and "share of the float model" in view.compiled
