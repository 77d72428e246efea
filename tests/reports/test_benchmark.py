"""What a page says about a benchmark, on made-up times and kernels, and its page in a browser."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from support.pages import CONTRAST, EVIL, Outline, opened

from tvmq_diag.analysis import kernel_pairs
from tvmq_diag.measurements.benchmark import (
    AGAIN,
    EAGER,
    FLOAT,
    Benchmark,
    BenchmarkFacts,
    Kernel,
)
from tvmq_diag.measurements.paired import Ratio
from tvmq_diag.reports.formatting import DASH, TIMES
from tvmq_diag.reports.pages import benchmark as benchmark_page
from tvmq_diag.reports.templating import environment
from tvmq_diag.reports.views import benchmark as report
from tvmq_diag.reports.views import kernels
from tvmq_diag.trace.facts import Schedules

INT8 = "int8/int8/int32"


def times(median: float, spread: float = 0.01, rounds: int = 20) -> list[float]:
    drawn = random.Random(f"{median} {spread}")
    return [median * math.exp(drawn.gauss(0, spread)) for _ in range(rounds)]


def listed(*names: str, ms: float = 1.0) -> list[Kernel]:
    return [Kernel(i, name, ms, "float32[1, 8]") for i, name in enumerate(names)]


def measured(name: str = INT8, median: float = 40.0) -> Benchmark:
    found = Benchmark()
    found.times = {
        FLOAT: times(50.0),
        name: times(median),
        EAGER: times(30.0),
        AGAIN: times(50.0, 0.011),
    }
    found.kernels = {
        FLOAT: listed("fused_nn_conv2d_add", "fused_nn_conv2d", "fused_nn_dense", ms=18.0),
        name: listed(
            "fused_round_clip_cast", "fused_nn_conv2d_cast", "fused_nn_conv2d", "fused_nn_dense"
        ),
    }
    found.facts = BenchmarkFacts(
        threads=2,
        affinity=[0, 1],
        cpu=f"a CPU {name if name == EVIL else ''}",
        targets={FLOAT: "llvm", name: "llvm -mcpu=cascadelake"},
        schedules={
            FLOAT: Schedules("One or more operators have not been tuned"),
            name: Schedules(None, [f"('conv2d', {i}, {name})" for i in range(45)]),
            EAGER: None,
        },
    )
    return found


def shown(benchmark: Benchmark, *names: str) -> str:
    page = environment().get_template("benchmark.html.j2")
    return page.render(b=report.view(benchmark, list(names), "k0"), raw=Markup)


def test_the_rows_are_float_the_configurations_eager_and_the_noise() -> None:
    view = report.view(measured(), [INT8, "int4"])
    assert [row.label for row in view.rows] == [FLOAT, INT8, EAGER, AGAIN]
    assert [row.look for row in view.rows] == ["float", "asked", "eager", "again"]
    assert view.missing == ["int4"]
    _, int8, eager, _ = view.rows
    assert int8.words == "20 % less time than float" and eager.words == "40 % less time than float"
    ratio = measured().ratio(INT8)
    assert ratio is not None
    written = f"{ratio.value:.3f}{TIMES} [{ratio.low:.3f}, {ratio.high:.3f}]"
    assert int8.ratio == written
    assert view.summary == f"{INT8} takes 20 % less time than float: {written}"
    assert view.noise.startswith("Noise: the float model against itself is")
    assert view.bars is not None and view.rounds is not None


def test_the_fastest_of_several_is_named() -> None:
    benchmark = measured()
    benchmark.times["int16"] = times(200.0)
    said = report.summary(benchmark, [INT8, "int16"])
    assert said.startswith(f"The fastest of 2 configurations, {INT8}, takes 20 % less time")


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (Ratio(1.01, 0.99, 1.03), "is indistinguishable from float"),
        (Ratio(1.02, 1.01, 1.03), "is indistinguishable from float"),  # inside the noise
        (Ratio(0.98, 0.97, 0.99), "is indistinguishable from float"),  # which goes both ways
        (Ratio(1.04, 1.01, 1.07), "takes 4.0 % more time than float"),
        (Ratio(0.7, 0.6, 0.8), "takes 30 % less time than float"),
        (Ratio(0.25, 0.2, 0.3), "is 4.000 times as fast as float"),
        (Ratio(3.0, 2.9, 3.1), "takes 3.000 times as long as float"),
        (Ratio(1e205, 1e100, 1e300), "takes 1e+205 times as long as float"),
        (Ratio(0.0, 0.0, 0.0), "is infinitely many times as fast as float"),
    ],
)
def test_ratios_in_words(ratio: Ratio, said: str) -> None:
    assert report.in_words(ratio, Ratio(1.01, 0.97, 1.04)) == said


def test_without_noise_only_the_interval_counts() -> None:
    assert report.in_words(Ratio(1.02, 1.01, 1.03), None) == "takes 2.0 % more time than float"
    benchmark = measured()
    del benchmark.times[AGAIN]
    view = report.view(benchmark, [INT8])
    assert "what is noise is not known" in view.noise
    assert AGAIN not in [row.label for row in view.rows]


def test_the_state_of_the_schedules_stands_beside_the_number() -> None:
    rows = {row.label: row.schedule for row in report.view(measured(), [INT8]).rows}
    ours = rows[INT8]
    assert ours is not None and len(ours.fallbacks) == 45
    assert ours.sentence == "TVM: 45 operators have not been tuned, default schedules"
    assert rows[EAGER] is None
    said = shown(measured(), INT8)
    assert said.index(ours.sentence) < said.index("<svg")
    assert "TVM: One or more operators have not been tuned" in said
    assert said.count("(&#39;conv2d&#39;, ") == 45


def test_facts_tell_targets_apart_only_where_they_differ() -> None:
    benchmark = measured()
    facts = dict(report.view(benchmark, [INT8]).facts)
    assert facts["cores"] == "0, 1" and facts["threads"] == "2"
    assert facts[f"target of {INT8}"] == "llvm -mcpu=cascadelake" and "remote device" not in facts
    benchmark.facts.targets = {FLOAT: "llvm", INT8: "llvm", EAGER: None}
    assert dict(report.view(benchmark, [INT8]).facts)["target"] == "llvm"


def test_kernels_are_aligned_by_kind_in_running_order() -> None:
    ours = listed("fused_nn_conv2d_0", "fused_nn_max_pool2d", "fused_nn_conv2d_1", "fused_nn_dense")
    theirs = listed(
        "fused_cast", "fused_nn_conv2d_0_cast", "fused_clip", "fused_nn_conv2d_1", "fused_nn_dense"
    )
    pairs = kernel_pairs.align(ours, theirs)
    names = [(a.name if a else None, b.name if b else None) for a, b in pairs]
    assert ("fused_nn_conv2d_0", "fused_nn_conv2d_0_cast") in names
    assert ("fused_nn_conv2d_1", "fused_nn_conv2d_1") in names
    assert ("fused_nn_max_pool2d", None) in names and (None, "fused_clip") in names


KERNELS = st.lists(st.sampled_from(["conv2d", "dense", "pool", "cast", "add", "transpose"]))


@given(KERNELS, KERNELS)
def test_an_alignment_keeps_every_kernel_once_in_order(ours: list[str], theirs: list[str]) -> None:
    pairs = kernel_pairs.align(listed(*ours), listed(*theirs))
    assert [a.name for a, _ in pairs if a] == ours
    assert [b.name for _, b in pairs if b] == theirs
    assert all(a.kind == b.kind for a, b in pairs if a and b)
    assert all(a or b for a, b in pairs)


def test_where_the_time_goes() -> None:
    (pair,) = report.view(measured(), [INT8]).pairs
    said = " ".join(pair.said)
    assert f"Against float, {INT8} gains most in convolution (\N{MINUS SIGN}34.0 ms)" in said
    assert "loses most in cast, clip, requantize (+1.00 ms)" in said
    assert "1 of its kernels has no counterpart in float32: 1.00 ms." in said
    excess = measured().excess(FLOAT)
    assert excess is not None
    assert f"kernels of {FLOAT} is {excess - 1:.1%} above".replace("%", " %") in said
    assert "above its median latency, because TVM's profiler synchronises after each" in said
    assert f"kernels of {INT8} is 90 % below its median latency." in said
    lines = {line.kind: line for line in pair.kinds}
    assert lines["convolution"].float_share == "66.7%" and lines["convolution"].share == "50.0%"
    assert lines["cast, clip, requantize"].float_ms == DASH and "layout" not in lines
    assert lines["all kernels"].difference == "\N{MINUS SIGN}50.0 ms"
    assert pair.kernels[0].difference == "+1.00 ms"


def test_a_table_of_kernels_ends() -> None:
    benchmark = measured()
    benchmark.kernels[INT8] = listed(*["fused_cast"] * 3000)
    (pair,) = report.view(benchmark, [INT8]).pairs
    assert (len(pair.kernels), pair.left_out) == (kernels.LIMIT, 3003 - kernels.LIMIT)
    assert "and 2603 more" in shown(benchmark, INT8)


@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_few_rounds(rounds: int) -> None:
    benchmark = Benchmark(times={side: times(5.0)[:rounds] for side in (FLOAT, INT8, AGAIN)})
    view = report.view(benchmark, [INT8])
    assert len(view.rows) == (3 if rounds else 0)
    assert (view.bars is None) == (rounds == 0)
    if rounds < 2:
        assert "othing else was timed often enough" in view.summary
        assert all(row.ratio == DASH for row in view.rows)
    assert not Outline(shown(benchmark, INT8)).open


def test_only_a_profile_and_only_times() -> None:
    benchmark = measured()
    benchmark.times = {}
    assert report.view(benchmark, [INT8]).pairs
    assert not Outline(shown(benchmark, INT8)).open
    benchmark = measured()
    benchmark.kernels = {}
    assert report.view(benchmark, [INT8]).pairs == []


MEASURED = st.lists(st.one_of(st.just(0.0), st.floats(1e-9, 1e15)), max_size=4)


@settings(max_examples=25, deadline=None)
@example("x" * 5000, [0.0, 0.0], [0.0, 1e-9])
@example(EVIL, [1e-9, 1e15], [1e15, 1e-9])
@given(
    st.text(min_size=1).filter(lambda name: name not in (FLOAT, AGAIN, EAGER)),
    MEASURED,
    MEASURED,
)
def test_any_measurement_has_a_page(name: str, ours: list[float], theirs: list[float]) -> None:
    benchmark = Benchmark(times={FLOAT: ours, name: theirs, AGAIN: ours[::-1]})
    benchmark.kernels = {FLOAT: listed(name), name: listed(name, name)}
    assert not Outline(shown(benchmark, name)).open


def test_nothing_from_a_model_becomes_markup(tmp_path: Path) -> None:
    benchmark = measured(EVIL)
    benchmark.kernels[EVIL] = [Kernel(0, f"conv2d{EVIL}", 1.0, EVIL)]
    benchmark.problems = [EVIL]
    facts = {"model": EVIL, "created": EVIL, EVIL: EVIL}
    text = benchmark_page.write(benchmark, [EVIL, "q"], facts, tmp_path).read_text(encoding="utf-8")
    outline = Outline(text)
    assert not outline.open
    assert (outline.count("script"), outline.count("style"), outline.count("img")) == (1, 1, 0)
    assert not [n for _, attrs in outline.elements for n in attrs if n.startswith("on")]
    assert "url(" not in text and "{{7*7}}" in text


def test_ids_on_a_page_are_unique_and_name_something(tmp_path: Path) -> None:
    benchmark = measured()
    benchmark.times["int16"], benchmark.kernels["int16"] = times(60.0), listed("fused_nn_conv2d")
    text = benchmark_page.write(benchmark, [INT8, "int16"], {}, tmp_path).read_text(
        encoding="utf-8"
    )
    elements = Outline(text).elements
    ids = [attrs["id"] for _, attrs in elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert all(a["aria-labelledby"] in ids for _, a in elements if "aria-labelledby" in a)
    assert len(text) < 400_000


# In a browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    benchmark = measured()
    long = "int8/int8/int32:nbit=4,calibrate_mode=percentile"
    benchmark.times[long] = times(49.8)
    benchmark.times[EAGER][3] = 300.0
    folder = tmp_path_factory.mktemp("benchmark")
    return benchmark_page.write(benchmark, [INT8, long, "int4"], {"model": "m" * 300}, folder)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 420])
def test_the_page_in_a_browser(browser: Any, page: Path, width: int, scheme: str) -> None:
    tab = opened(browser, page, width, scheme)
    assert tab.asked == [page.as_uri()] and tab.complaints == []
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(CONTRAST) == []
    assert tab.locator("svg.chart").count() == 4


UNREADABLE = """() => {
  const bad = [], lum = c => { const f = c.map(v => { v /= 255; return v <= .03928 ? v / 12.92
      : Math.pow((v + .055) / 1.055, 2.4); }); return .2126*f[0] + .7152*f[1] + .0722*f[2]; };
  const rgb = s => s.match(/[\\d.]+/g).map(Number).slice(0, 3);
  const ground = rgb(getComputedStyle(document.body).backgroundColor);
  for (const text of document.querySelectorAll('svg.chart text')) {
    const grounds = text.closest('.on-fill')
      ? [...document.querySelectorAll('svg.chart path[style*="--c-fill"]')]
          .map(p => rgb(getComputedStyle(p).fill))
      : [ground];
    const box = text.getBoundingClientRect();
    if (box.height < 8) bad.push([text.textContent, 'too small', box.height]);
    for (const one of grounds) {
      const a = lum(rgb(getComputedStyle(text).fill)), b = lum(one);
      const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
      if (ratio < 4.5) bad.push([text.textContent, ratio]);
    }
  }
  return bad;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_text_of_charts_can_be_read(browser: Any, page: Path, scheme: str) -> None:
    tab = opened(browser, page, 420, scheme)
    assert tab.evaluate(UNREADABLE) == []
    hidden = tab.evaluate(
        "[...document.querySelectorAll('svg.chart text')].filter(t => { const b ="
        " t.getBoundingClientRect(); return b.left < 0 || b.right > innerWidth; }).length"
    )
    assert hidden == 0
