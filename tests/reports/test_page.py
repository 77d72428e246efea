"""The page of a run: what it holds, what models cannot do to it, and how a browser shows it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from support.builders import written
from support.pages import CONTRAST, EVIL, Outline, opened

from tvmq_diag.measurements.benchmark import EAGER, FLOAT, Benchmark, Kernel
from tvmq_diag.measurements.metrics import Metrics
from tvmq_diag.measurements.paired import Latency, Ratio
from tvmq_diag.reports import formatting
from tvmq_diag.reports.pages import index
from tvmq_diag.reports.pages import run as page
from tvmq_diag.results import verdict as outcome
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.verdict import Hazard, OpRef, ThrowSite, Verdict
from tvmq_diag.trace.facts import JobFacts, Tensor, TraceFacts
from tvmq_diag.trace.failure import Blame, Failure, RejectionMap, Smallest
from tvmq_diag.trace.snapshot import Node, Snapshot
from tvmq_diag.trace.trace import PassRun, Trace


def snapshot(number: int, ops: int, dtype: str = "float32", name: str = "x") -> Snapshot:
    nodes = [Node(0, "var", name=name, dtype="float32", shape=(1, 8, 4, 4))]
    kinds = ["nn.conv2d", "add", "nn.relu", "annotation.cast_hint"]
    for i in range(1, ops + 1):
        op = kinds[i % 4]
        nodes.append(
            Node(i, "call", op, (i - 1,), dtype, (1, 8, 4, 4), None, {}, span=f"{name}{i}")
        )
    return Snapshot(number, tuple(nodes))


def rejected(ops: int = 40, name: str = "layer") -> Result:
    """A compile that QuantizeRealize ended at its op 10."""
    outer = PassRun(1, "sequential", "prepare", 0.0, raised=True, before=1)
    fine = PassRun(2, name, "annotate", 1.0, outer, end=3.0, before=1, after=2)
    failed = PassRun(3, "QuantizeRealize", "realize", 4.0, outer, before=2, raised=True)
    outer.children = [fine, failed]
    trace = Trace(Path("traces/int4"), pass_runs={1: outer, 2: fine, 3: failed}, ended=True)
    trace.stages = ["import", "prepare", "annotate", "realize"]
    trace.facts = TraceFacts(
        target=name,
        qconfig={"dtype_activation": "int4", "nbit_input": 8, name: name},
        job=JobFacts({"dtype_activation": "int4"}, opt_level=3),
        versions={"tvm": "0.16", name: name},
        inputs={name: Tensor("float32", (1, 8))},
        command=[name],
        threads=2,
    )
    for number in (1, 2):
        trace.tables[number] = written(number)
        trace._snapshots[number] = snapshot(number, ops, name=name)
    trace.failure = Failure("TVMError", f"frame\n{name}", "realize", (1, 3), (name,))
    trace.blame = Blame(10, 9, "nn.relu", name, 8, 194.0, "replay")
    trace.text = "ir/failing.txt"
    trace.faults = [name]
    verdict = Verdict("int4", "relay", outcome.REJECTED, "realize", "QuantizeRealize")
    verdict.pass_path = ["sequential", "QuantizeRealize"]
    verdict.op = OpRef(9, "nn.relu", name)
    verdict.message = f"unknown data type int4 {name}"
    verdict.site = ThrowSite("tvm::relay::MakeConstantScalar<int>", "pattern_utils.h", 290)
    verdict.via = ["tvm::relay::quantize::AddRealize", name]
    verdict.knob, verdict.confidence = "dtype_activation", outcome.EXACT
    verdict.reason, verdict.suggestion = name, f"--dtype int8/int8/int32: {name}"
    return Result(verdict, Role.REQUESTED, trace, tail=name)


def mapped(**smallest: Any) -> Result:
    """The same, with a map in which every fate occurs, and a reduced module (`smallest` of it)."""
    result = rejected()
    trace = result.trace
    assert trace is not None
    no = "TVMError: unknown data type int4"
    why = "ill-typed on its own"
    trace.map = RejectionMap(
        tuple(range(1, 10)), ((10, no), (13, no), (15, no)), ((12, why),), 27, 13, 80.0
    )
    size = {"calls": 3, "of": 40, "queries": 15, "ms": 80.6, "file": "repro/repro.py"}
    trace.smallest = Smallest(**{"complete": True, "deterministic": True, **size, **smallest})
    return result


def works(role: Role = Role.REQUESTED, name: str = "int8/int8/int32") -> Result:
    done = PassRun(1, "QuantizeRealize", "realize", 0.0, end=5.0, before=1, after=2)
    trace = Trace(Path("traces/ok"), pass_runs={1: done}, ended=True)
    trace.stages = ["import", "realize", "run"]
    trace.tables = {1: written(1), 2: written(2)}
    trace._snapshots = {1: snapshot(1, 12), 2: snapshot(2, 12, "int8")}
    verdict = Verdict(name, "relay", outcome.WORKS, "check", confidence=outcome.EXACT)
    verdict.metrics = Metrics(0.998, 22.5, 0.01, 1.0)
    verdict.latency_ms = Latency(1.0, 1.8, 1.5, 3.0)
    return Result(verdict, role, trace)


def write(
    folder: Path, *results: Result, benchmark: Benchmark | None = None, **facts: Any
) -> tuple[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(
        folder, RunFacts(command="trace_quantize.py", **{"model": "tiny", **facts}), list(results)
    )
    run.benchmark = benchmark
    path = page.write(run)
    return path.read_text(encoding="utf-8"), path


def test_a_page_says_the_verdict_first(tmp_path: Path) -> None:
    text, _ = write(tmp_path, rejected())
    outline = Outline(text)
    assert not outline.open
    said = " ".join("".join(outline.text[outline.text.index("Skip to the verdict") :]).split())
    for earlier, later in zip(
        expected := [
            "int4 rejected by QuantizeRealize at nn.relu (op #9): unknown data type int4",
            "dtype_activation = int4",
            "MakeConstantScalar<int> (pattern_utils.h:290)",
            "How far it came",
            "What became of the dtypes",
            "rejected as int4",
            "The graph around the op",
            "The module before QuantizeRealize",
            "← rejected here",
            "Passes that changed the module",
            "The whole error text",
            "The whole model",
            "This run",
        ],
        expected[1:],
        strict=False,
    ):
        assert earlier in said and said.index(earlier) < said.rindex(later), (earlier, later)
    assert (tmp_path / "graphs" / "int4-around.svg").is_file()
    assert (tmp_path / "graphs" / "int4-whole.svg").is_file()


def test_nothing_from_a_model_becomes_markup(tmp_path: Path) -> None:
    results = [rejected(name=EVIL), works(name=EVIL)]
    text, _ = write(tmp_path, *results, model=EVIL, created=EVIL, weights=EVIL)
    outline = Outline(text)
    assert not outline.open
    scripts = [attributes.get("type") for tag, attributes in outline.elements if tag == "script"]
    assert scripts in ([None], ["application/octet-stream", None])
    assert outline.count("style") == 1
    assert outline.count("img") == 0 and outline.count("iframe") == 0
    attributes = {name for _, attrs in outline.elements for name in attrs}
    assert not [name for name in attributes if name.startswith("on")]
    assert "{{7*7}}" in text


def test_a_page_asks_for_nothing_from_outside(tmp_path: Path) -> None:
    text, _ = write(tmp_path, rejected(), works())
    for tag, attrs in Outline(text).elements:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        assert "src" not in attrs
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert "@import" not in text and "url(" not in text


def test_ids_are_unique_and_links_lead_somewhere(tmp_path: Path) -> None:
    text, _ = write(tmp_path, rejected(), works(), works(Role.REFERENCE))
    elements = Outline(text).elements
    ids = [attrs["id"] for _, attrs in elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in elements:
        for name in ("href", "for", "aria-labelledby"):
            target = (attrs.get(name) or "").removeprefix("#")
            if name == "href" and "/" in target:
                continue  # a place in the viewer, or a file
            if attrs.get(name) and (name != "href" or (attrs[name] or "").startswith("#")):
                assert target in ids


@pytest.mark.parametrize("name", sorted(formatting.OUTCOME_MARKS))
@pytest.mark.parametrize("traced", ["no trace", "no pass", "trace"])
def test_every_outcome_renders(tmp_path: Path, name: str, traced: str) -> None:
    result = rejected()
    result.verdict.outcome = name
    if traced == "no trace":
        result.trace = None
    elif traced == "no pass":
        result.trace = Trace(tmp_path)
    text, _ = write(tmp_path, result)
    assert not Outline(text).open
    assert formatting.OUTCOME_MARKS[name] in text and name in text


def test_snapshots_that_are_gone_are_said_to_be_gone(tmp_path: Path) -> None:
    result = rejected()
    assert result.trace is not None
    result.trace._snapshots.clear()
    text, _ = write(tmp_path, result)
    assert "snapshot 2 cannot be read" in text
    assert "What this report may be missing" in text


def test_without_blame_the_module_is_still_shown(tmp_path: Path) -> None:
    result = rejected()
    assert result.trace is not None
    result.trace.blame = result.verdict.op = None
    result.verdict.confidence = outcome.INFERRED
    text, _ = write(tmp_path, result)
    assert "The module before QuantizeRealize" in text
    assert "The graph around the op" not in text
    assert "inferred:" in text


def test_notes_on_narrow_accumulators_and_changing_answers(tmp_path: Path) -> None:
    result = works(name="int8")
    assert result.trace is not None
    result.trace.facts.qconfig = {"dtype_activation": "int8"}
    result.verdict.outcome, result.verdict.deterministic = outcome.WRONG, False
    text, _ = write(tmp_path, result, works())
    assert "sums overflow int8" in text
    assert "a different answer each time" in text


def section_of(text: str, name: str) -> str:
    """What a section of the first configuration says, as one line."""
    start = text.index(f'<h3 id="c0-{name}"')
    outline = Outline(text[start : text.index("</section>", start)])
    return " ".join("".join(outline.text).split())


def test_the_map_colours_the_whole_model_beside_its_table(tmp_path: Path) -> None:
    text, _ = write(tmp_path, mapped())
    assert not Outline(text).open
    said = section_of(text, "map")
    for part in (
        "12 of 40 ops judged one by one",
        "the time was up before the last 27",
        "tvmq-diag reduce traces/int4",
        "The whole model before QuantizeRealize, coloured by how each op fared",
        "rejected here: the first, which ended the compile",
        "✗ 3 rejected",
        "✓ 9 accepted",
        "? 1 cannot be judged alone",
        "27 not reached",
    ):
        assert part in said, part
    assert text.count('id="c0-whole"') == 1
    assert "m-rejected rejected" in (tmp_path / "graphs" / "int4-whole.svg").read_text()


def test_without_a_map_the_whole_model_stays_where_it_was(tmp_path: Path) -> None:
    text, _ = write(tmp_path, rejected())
    assert text.index('id="c0-passes"') < text.index('id="c0-whole"')
    assert "coloured by how each op fared" not in text


@pytest.mark.parametrize(
    ("skipped", "ended", "reason"),
    [
        ({"map": "no steps to cut at"}, True, "no steps to cut at"),
        ({"survey": "it cannot run alone"}, True, "it cannot run alone"),
        ({"op": "outside any pass"}, True, "outside any pass"),
        ({"op": EVIL}, True, EVIL),
        ({}, True, "the trace does not say why"),
        ({}, False, "the process ended before it came to that"),
    ],
)
def test_an_analysis_that_was_not_made_says_why(
    tmp_path: Path, skipped: dict[str, str], ended: bool, reason: str
) -> None:
    result = rejected()
    assert result.trace is not None
    result.trace.skipped = {**skipped, "smallest": "no part of it fails"}
    result.trace.ended = ended
    text, _ = write(tmp_path, result)
    said = section_of(text, "map")
    assert f"There is no map of the ops: {reason}." in said
    assert ("tvmq-diag reduce traces/int4" in said) == (not ended)
    assert "There is none: no part of it fails." in section_of(text, "repro")


@pytest.mark.parametrize("name", sorted(formatting.OUTCOME_MARKS))
def test_only_what_did_not_compile_is_asked_for_its_analyses(tmp_path: Path, name: str) -> None:
    result = rejected()
    result.verdict.outcome = name
    text, _ = write(tmp_path, result)
    expected = name in (outcome.REJECTED, outcome.CRASHED, outcome.TIMED_OUT)
    assert ('id="c0-map"' in text, 'id="c0-repro"' in text) == (expected, expected)


def reproduced(folder: Path, name: str = "repro.py", **smallest: Any) -> Result:
    """A result whose reduced module is in a file of this name in the run's folder."""
    result = mapped(**smallest)
    assert result.trace is not None
    result.trace.path = folder / "traces" / "int4"
    file = result.trace.path / "repro" / name
    file.parent.mkdir(parents=True)
    file.write_text("import tvm  # made up")
    return result


def test_a_verified_reproducer_is_shown_with_its_size(tmp_path: Path) -> None:
    result = reproduced(tmp_path)
    result.verdict.reproducer = "traces/int4/repro/repro.py"
    said = section_of(write(tmp_path, result)[0], "repro")
    assert "3 of the module's 40 ops, none of which can be left out, fail in the same way" in said
    assert "found in 15 trials, 81 ms." in said
    assert "It failed in the same way in a fresh process. traces/int4/repro/repro.py runs" in said
    assert "import tvm # made up" in said and "reduce" not in said


def test_a_file_that_is_no_reproducer_says_so(tmp_path: Path) -> None:
    result = reproduced(tmp_path, "repro.unverified")
    result.verdict.reproducer_note = "in a fresh process its file raises nothing: kept"
    said = section_of(write(tmp_path, result)[0], "repro")
    assert "It is no reproducer: in a fresh process its file raises nothing: kept." in said
    assert "traces/int4/repro/repro.unverified" in said and "made up" in said
    assert "It failed in the same way in a fresh process" not in said


def test_a_file_that_nobody_ran_or_that_is_gone(tmp_path: Path) -> None:
    result = reproduced(tmp_path)
    assert "It was not run in a fresh process." in section_of(write(tmp_path, result)[0], "repro")
    (tmp_path / "traces/int4/repro/repro.py").unlink()
    said = section_of(write(tmp_path, result)[0], "repro")
    assert "It cannot be read any more. traces/int4/repro/repro.py" in said


@pytest.mark.parametrize(
    ("smallest", "expected", "command", "least"),
    [
        ({"deterministic": False}, "The failure does not come each time", False, False),
        ({"complete": False}, "before every smaller part was tried", True, False),
        ({"file": None}, "It cannot be written as a file that imports only tvm.", False, True),
        ({"calls": 1, "queries": 1}, "1 of the module's 40 ops fails in", False, False),
    ],
)
def test_a_reduction_says_what_it_is_worth(
    tmp_path: Path, smallest: dict[str, Any], expected: str, command: bool, least: bool
) -> None:
    result = mapped(**smallest)
    assert result.trace is not None
    result.trace.map = None
    said = section_of(write(tmp_path, result)[0], "repro")
    assert expected in said
    assert ("none of which can be left out" in said) == least
    assert ("To go on from there: tvmq-diag reduce traces/int4" in said) == command
    assert ("fresh process" in said) == (command or "calls" in smallest)


def test_a_trace_of_ones_own_script_has_no_command_to_go_on(tmp_path: Path) -> None:
    result = mapped(complete=False)
    assert result.trace is not None
    result.trace.path = tmp_path
    text, _ = write(tmp_path, result)
    assert "time was up" in section_of(text, "repro") and "tvmq-diag reduce" not in text


def test_a_map_of_another_module_costs_only_the_map(tmp_path: Path) -> None:
    result = mapped()
    assert result.trace is not None
    result.trace._snapshots[2] = snapshot(2, 12)
    text, _ = write(tmp_path, result)
    assert "the rejection map cannot be shown" in text
    assert not Outline(text).open and "rejected ops are not in it" in text


def test_only_what_ran_has_a_section_on_its_speed(tmp_path: Path) -> None:
    ran = works(Role.REFERENCE)
    name = ran.verdict.configuration
    ran.verdict.hazards = [
        Hazard("slow <b>", "it is", ["look"], "mend", None, Ratio(0.5, 0.4, 0.6))
    ]
    ran.verdict.explained = 0.91
    times = {FLOAT: [1.0] * 8, name: [2.0] * 8, EAGER: [1.5] * 8}
    kernels = [Kernel(0, "fused_nn_conv2d", 0.9, "float32[1, 8]")]
    measured = Benchmark(times=times, kernels={FLOAT: kernels, name: kernels})
    text, _ = write(tmp_path, rejected(), ran, benchmark=measured)
    assert 'id="c0-bench-speed"' not in text
    assert 'id="c1-bench-speed"' in text and "[2.000, 2.000]" in text
    assert "slow &lt;b&gt;" in text and "91 % of the difference" in text
    assert "Tried: 0.50 times as long" in text


def test_the_timeline_and_the_verdict_number_the_op_alike(tmp_path: Path) -> None:
    text, _ = write(tmp_path, rejected())
    assert "nn.relu (op #9)" in text[text.index("c0-timeline") :]
    assert ">#" not in text[text.index("c0-timeline") : text.index("c0-around-h")]


def test_a_run_without_results(tmp_path: Path) -> None:
    text, _ = write(tmp_path)
    assert "No configuration was tried" in text


def test_a_big_trace_stays_a_small_page(tmp_path: Path) -> None:
    result = rejected(ops=5000)
    trace = result.trace
    assert trace is not None
    lower = PassRun(10, "LowerTE", "lower", 10.0, end=90.0, before=2, after=2)
    trace.pass_runs[10] = lower
    for i in range(80):
        group = PassRun(100 + 40 * i, "sequential", "lower", 11.0, lower, end=12.0)
        lower.children.append(group)
        trace.pass_runs[group.number] = group
        for j in range(32):
            run = PassRun(group.number + 1 + j, f"tir.P{j}", "lower", 11.0, group, end=11.5)
            group.children.append(run)
            trace.pass_runs[run.number] = run
    assert len(trace.pass_runs) > 2600
    began = time.perf_counter()
    text, path = write(tmp_path, result)
    assert time.perf_counter() - began < 20
    assert path.stat().st_size < 3_000_000
    assert f"{len(trace.pass_runs):,} passes" in text


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    long = works(Role.REFERENCE, "int8/int8/int32")
    return write(folder / "one", rejected(name="n" * 300), works(), long)[1]


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("runs") / "map", mapped(complete=False))[1]


def test_it_opens_from_disk_and_asks_for_nothing(browser: Any, report: Path) -> None:
    tab = opened(browser, report)
    assert tab.asked == [report.as_uri()]
    assert tab.complaints == []
    assert tab.locator("h1").is_visible()
    assert "1 of 2 configurations work" in tab.locator("h1").inner_text()


@pytest.mark.parametrize("width", [1280, 420])
def test_only_tables_and_pictures_scroll_sideways(browser: Any, report: Path, width: int) -> None:
    tab = opened(browser, report, width)
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    wide = tab.evaluate("document.documentElement.scrollWidth")
    assert wide <= width


def test_the_keyboard_reaches_links_summaries_and_the_filter(browser: Any, report: Path) -> None:
    tab = opened(browser, report)
    reached = []
    for _ in range(40):
        tab.keyboard.press("Tab")
        reached.append(
            tab.evaluate("document.activeElement.className || document.activeElement.tagName")
        )
    assert reached[0] == "skip"
    assert "only" in reached and "SUMMARY" in reached and "A" in reached
    tab.locator("#c0-only").focus()
    before = tab.locator("#c0 .timeline tbody tr:visible").count()
    tab.keyboard.press("Space")
    assert 0 < tab.locator("#c0 .timeline tbody tr:visible").count() < before


def test_the_rejected_cell_leads_to_the_op(browser: Any, report: Path) -> None:
    tab = opened(browser, report)
    tab.locator("td.rejected a").first.click()
    tab.wait_for_timeout(300)
    assert tab.locator("#c0-rejected").is_visible()


def test_a_link_opens_what_it_points_into(browser: Any, report: Path) -> None:
    tab = opened(browser, report)
    tab.locator(".sweep a", has_text="int8/int8/int32").first.click()
    tab.wait_for_timeout(300)
    assert tab.locator("#c1").get_attribute("open") is not None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["report", "coloured"])
def test_every_text_has_contrast(
    browser: Any, request: pytest.FixtureRequest, name: str, scheme: str
) -> None:
    tab = opened(browser, request.getfixturevalue(name), scheme=scheme)
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    assert tab.evaluate(CONTRAST) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_fate_looks_different(browser: Any, coloured: Path, scheme: str) -> None:
    tab = opened(browser, coloured, 420, scheme)
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 420
    style = """look => ['fill', 'stroke', 'strokeWidth', 'strokeDasharray'].map(name =>
      getComputedStyle(document.querySelector('#c0-whole .node.' + look + ' polygon'))[name])"""
    looks = ("m-accepted", "m-rejected:not(.rejected)", "rejected", "m-unjudged", "m-unreached")
    styles = [tuple(tab.evaluate(style, look)) for look in looks]
    # Without any colour, too:
    assert len({(width, dashes) for _, _, width, dashes in styles}) == len(looks)
    assert len({fill for fill, *_ in styles}) == len(looks) - 1


def test_a_tall_picture_opens_at_the_op_that_ended_the_compile(
    browser: Any, coloured: Path
) -> None:
    tab = opened(browser, coloured)
    tab.locator("#c0-whole > summary").click()
    tab.wait_for_timeout(300)
    inside = """() => { const box = document.querySelector('#c0-whole .picture');
      const at = box.querySelector('.node.rejected').getBoundingClientRect();
      const frame = box.getBoundingClientRect();
      return [box.scrollTop, at.top > frame.top && at.bottom < frame.bottom]; }"""
    scrolled, visible = tab.evaluate(inside)
    assert scrolled > 0 and visible


def test_it_can_be_read_without_javascript(browser: Any, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(report.as_uri())
    assert tab.locator("#c0 .timeline").is_visible()
    assert tab.locator("#c0 pre.ir").nth(0).is_visible()


def test_the_index_in_a_browser(browser: Any, report: Path) -> None:
    folder = report.parent
    (folder / "run.json").write_text('{"created": "2026-11-23T11:33:41+00:00", "model": "tiny"}')
    (folder / "verdict.json").write_text("[]")
    tab = opened(browser, index.write(folder.parent), 420)
    assert tab.complaints == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= 420
    tab.locator("a", has_text="one").click()
    assert tab.locator("h1").is_visible()
