"""Charts: what they say, that they can stand in any page, and what no label can do to them."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tvmq_diag.reports.figures import charts, curves, plot
from tvmq_diag.reports.figures.charts import Side
from tvmq_diag.reports.figures.curves import Point
from tvmq_diag.trace.ops import KERNELS

EVIL = "<script>alert(1)</script>$x_1$'\"&{{7*7}}\x00 _日本"
SVG = "{http://www.w3.org/2000/svg}"
CSS = Path(plot.__file__).parent.parent / "templates" / "charts.css"

SIDES = [
    Side("float32", "float", [52.0, 53.0, 52.5]),
    Side("int8", "asked", [40.0, 41.0, 40.5], "0.771x [0.768, 0.774]"),
    Side("PyTorch eager", "eager", [31.0, 190.0, 30.0]),
]
BY_KIND = {
    "float32": dict(zip(KERNELS, [44.0, 1.0, 1.5, 2.0, 0.0, 4.0], strict=True)),
    "int8": dict(zip(KERNELS, [25.0, 1.0, 1.5, 4.0, 7.0, 3.0], strict=True)),
}
ERRORS = {"with those before": [30.0, None, 20.0, 5.0], "alone": [math.inf, 31.0, math.nan, 29.0]}
POINTS = [Point("a", 0.5, 10.0), Point("b", 0.8, 30.0), Point("c", 0.9, 20.0)]

ALL: dict[str, Callable[[str], str | None]] = {
    "bars": lambda prefix: charts.bars(SIDES, prefix),
    "distribution": lambda prefix: charts.distribution(SIDES, prefix),
    "by_kind": lambda prefix: charts.by_kind(BY_KIND, list(KERNELS), prefix),
    "errors": lambda prefix: curves.errors(ERRORS, ["x", "y", "z", "conv"], prefix, marked=3),
    "pareto": lambda prefix: curves.pareto(POINTS, prefix),
}


def parsed(svg: str | None) -> ET.Element:
    assert svg is not None
    return ET.fromstring(svg)


def words(svg: str | None) -> list[str]:
    return [e.text or "" for e in parsed(svg).iter(f"{SVG}text")]


def tips(svg: str | None) -> list[str]:
    return [e.text or "" for e in parsed(svg).iter(f"{SVG}title")]


@pytest.mark.parametrize("name", ALL)
def test_a_chart_can_stand_in_any_page(name: str) -> None:
    svg = ALL[name]("p1")
    root = parsed(svg)
    assert svg is not None and len(svg) < 60_000
    assert (root.get("role"), root.get("class"), root.get("height")) == ("img", "chart", None)
    assert root.get("aria-label")
    for nothing in (
        "url(",
        "<style",
        "metadata",
        "DOCTYPE",
        "font-family",
        "xlink",
        "http://www.w3.org/1999",
    ):
        assert nothing not in svg
    assert not re.search(r"#0[0-9a-f]{5}", svg), "a colour that is no variable of the page"
    assert set(re.findall(r"#\w{6}\b", svg)) == set()
    drawn = [f"#{e.get('id')}" for e in root.iter() if e.get("id")]
    assert len(drawn) == len(set(drawn))
    used = {e.get("href") for e in root.iter(f"{SVG}use")}
    assert used <= set(drawn) and all(one.startswith("#p1-") for one in drawn)


@pytest.mark.parametrize("name", ALL)
def test_a_chart_is_the_same_each_time_and_shares_no_id(name: str) -> None:
    one, again, other = ALL[name]("p1"), ALL[name]("p1"), ALL[name]("p2")
    assert one == again
    ids = [{e.get("id") for e in parsed(svg).iter() if e.get("id")} for svg in (one, other)]
    assert not ids[0] & ids[1]


def test_every_variable_is_defined_in_each_of_the_three_schemes() -> None:
    css = CSS.read_text(encoding="utf-8")
    used = {
        name for make in ALL.values() for name in re.findall(r"var\((--[\w-]+)\)", make("p") or "")
    }
    assert len(used) > 10
    for name in used:
        assert css.count(f"{name}:") == 3, name


def test_bars_say_median_and_ratio_and_an_outlier_does_not_flatten_them() -> None:
    svg = charts.bars(SIDES, "p")
    said = words(svg)
    assert "52.5 ms" in said and "40.5 ms · 0.771x [0.768, 0.774]" in said
    assert any(text.endswith("1 slower, up to 190 ms ▸") for text in said)
    assert "30.0 ms to 190 ms" in tips(svg)
    label = parsed(svg).get("aria-label") or ""
    assert "float32 52.5 ms; int8 40.5 ms; PyTorch eager 31.0 ms" in label
    assert max(float(word) for word in said if word.replace(".", "").isdigit()) < 100


def test_the_distribution_has_a_dot_for_each_round_in_order() -> None:
    svg = charts.distribution([Side("float32", "float", [10.0, 12.0, 11.0])], "p")
    dots = list(parsed(svg).iter(f"{SVG}use"))
    assert tips(svg) == ["round 1: 10.0 ms", "round 2: 12.0 ms", "round 3: 11.0 ms"]
    heights = [float(e.get("y") or 0) for e in dots]
    assert len(dots) == 3 and heights == sorted(heights)
    lefts = [float(e.get("x") or 0) for e in dots]
    assert lefts[0] < lefts[2] < lefts[1]


def test_many_rounds_are_thinned_and_keep_their_extremes() -> None:
    times = [10.0 + i % 7 / 10 for i in range(5000)]
    times[1234] = 9.0
    svg = charts.distribution([Side(str(i), "asked", times) for i in range(5)], "p")
    assert svg is not None and len(svg) < 60_000
    assert "round 1235: 9.00 ms" in tips(svg)


def test_the_parts_of_a_bar_are_numbered_like_their_legend() -> None:
    svg = charts.by_kind(BY_KIND, list(KERNELS), "p")
    said = words(svg)
    assert said.count("1 convolution") == 2  # in the bars; the legend has number and name apart
    assert "cast, clip, requantize" in said and "5" in said
    assert "cast, clip, requantize: 7.00 ms, 16.9%" in tips(svg)
    assert "52.5 ms" in said and "41.5 ms" in said


def test_errors_have_gaps_and_name_the_marked_op() -> None:
    svg = curves.errors(ERRORS, ["x", "y", "z", "conv of layer3"], "p", marked=3)
    said = words(svg)
    assert "conv of layer3 ▾" in said
    assert any("with those before" in text for text in said)
    assert tips(svg) == [
        "x: 30.0 dB",
        "z: 20.0 dB",
        "conv of layer3: 5.0 dB",
        "x: no error at all",
        "y: 31.0 dB",
        "conv of layer3: 29.0 dB",
    ]
    assert "↑ no error at all" in said


def test_a_long_model_is_thinned_and_keeps_its_worst_op() -> None:
    values: list[float | None] = [30.0 + i % 5 for i in range(3000)]
    values[1777] = -20.0
    labels = [f"#{i}" for i in range(3000)]
    svg = curves.errors({"a": values, "b": values}, labels, "p", marked=1777)
    assert svg is not None and len(svg) < 60_000
    assert "#1777: -20.0 dB" in tips(svg)


def test_the_front_is_what_no_other_beats_in_both() -> None:
    assert curves.front(POINTS) == [0, 1]
    twins = [Point("a", 1.0, 5.0), Point("b", 1.0, 5.0), Point("c", 1.0, 4.0)]
    assert curves.front(twins) == [0, 1]
    assert curves.front([]) == []


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=12))
def test_the_front_against_its_definition(pairs: list[tuple[int, int]]) -> None:
    points = [Point(str(i), float(x), float(y)) for i, (x, y) in enumerate(pairs)]
    best = {
        i
        for i, p in enumerate(points)
        if not any(
            q.ratio <= p.ratio
            and q.sqnr_db >= p.sqnr_db
            and (q.ratio, q.sqnr_db) != (p.ratio, p.sqnr_db)
            for q in points
        )
    }
    assert set(curves.front(points)) == best


def test_names_of_points_do_not_cover_each_other() -> None:
    crowd = [Point(f"int8/int8/int32:nbit={i}", 0.8 + i * 1e-4, 20 + i * 0.1) for i in range(12)]
    svg = curves.pareto([*crowd, Point("far", 3.0, -5.0)], "p")
    placed = [
        (float(e.get("x") or 0), float(e.get("y") or 0), e.get("style") or "")
        for e in parsed(svg).iter(f"{SVG}text")
        if (e.text or "").startswith("int8")
    ]
    assert 2 <= len(placed) < 12
    for i, (x, y, style) in enumerate(placed):
        for x2, y2, style2 in placed[:i]:
            same_side = ("anchor: end" in style) == ("anchor: end" in style2)
            assert not same_side or abs(y - y2) >= 12 or abs(x - x2) > 150
    assert sum("nbit=" in tip for tip in tips(svg)) == 12  # who has no name has a tooltip


def test_ratios_far_apart_stay_legible() -> None:
    said = words(curves.pareto([Point("a", 0.01, 1.0), Point("b", 100.0, 2.0)], "p"))
    assert {"0.01", "1", "100"} <= set(said)


@pytest.mark.parametrize("times", [[], [math.nan], [0.0], [math.inf]])
def test_nothing_to_draw_is_none(times: list[float]) -> None:
    assert charts.bars([Side("a", "asked", times)], "p") is None
    assert charts.distribution([Side("a", "asked", times)], "p") is None
    assert charts.by_kind({"a": dict.fromkeys(KERNELS, 0.0), "b": {}}, list(KERNELS), "p") is None
    assert curves.errors({"a": [None, math.nan, -math.inf], "b": []}, [], "p") is None
    assert curves.pareto([Point("a", math.nan, 1.0), Point("b", 1.0, math.nan)], "p") is None


# `st.text` has control characters, right-to-left letters and emoji, too.
LABELS = st.one_of(st.text(max_size=60), st.sampled_from([EVIL, "n" * 5000, "$", "_", "\\frac"]))
TIMES = st.lists(st.floats(1e-9, 1e12), min_size=1, max_size=6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(LABELS, TIMES, LABELS), min_size=1, max_size=3))
def test_any_label_and_any_time(drawn: list[tuple[str, list[float], str]]) -> None:
    sides = [Side(label, "asked", times, said) for label, times, said in drawn]
    for svg in (charts.bars(sides, "p"), charts.distribution(sides, "p")):
        assert parsed(svg).find(f".//{SVG}script") is None
        assert "<script" not in (svg or "")
        assert not any(len(text) > 80 for text in words(svg))


@settings(max_examples=40, deadline=None)
@example([1e308, -1e308, 5e-324], ["a"], [("a", 1e300, 1e308), ("b", 1e-300, -1e308)], 0)
@given(
    st.lists(st.one_of(st.none(), st.floats()), max_size=8),
    st.lists(LABELS, max_size=8),
    st.lists(st.tuples(LABELS, st.floats(), st.floats()), max_size=5),
    st.integers(-1, 9),
)
def test_any_error(
    values: list[float | None],
    labels: list[str],
    points: list[tuple[str, float, float]],
    marked: int,
) -> None:
    made = (
        curves.errors(dict.fromkeys(labels[:2], values), labels, "p", marked=marked),
        curves.pareto([Point(*point) for point in points], "p"),
    )
    for svg in made:
        assert svg is None or parsed(svg).find(f".//{SVG}script") is None
