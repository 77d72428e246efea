"""The graphs of a page answer: search, keys, colours, two modules in one layout."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from support.builders import call
from support.pages import EVIL, opened
from support.runs import TINY

from tvmq_diag.analysis.dtype_timeline import anchors_of
from tvmq_diag.measurements.benchmark import Benchmark, Kernel
from tvmq_diag.measurements.numerics import Anchor, ErrorFigures, NotFinite, Numerics
from tvmq_diag.reports.figures import changes
from tvmq_diag.reports.figures.changes import Sides
from tvmq_diag.reports.pages import run as page
from tvmq_diag.results import store
from tvmq_diag.trace.graph import RESULT, Graph
from tvmq_diag.trace.snapshot import Node, Snapshot
from tvmq_diag.trace.trace import Trace

READY = "#viewer-parts:not([hidden])"
WORKS = "int8/int8/int32"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with made-up errors and times of the ops that are on record."""
    run = store.load(TINY)
    run.directory = tmp_path_factory.mktemp("measured")
    result = next(one for one in run.results if one.verdict.configuration == WORKS)
    assert result.trace is not None
    result.numerics = Numerics(anchors=errors(result.trace))
    run.benchmark = Benchmark(times={}, kernels={WORKS: kernels(result.trace)})
    return page.write(run)


def errors(trace: Trace) -> list[Anchor]:
    anchors = anchors_of(next(trace.modules_of("calibrate")))
    figures = [ErrorFigures(1.0, 12.0 + 8 * i, 0.1, 0, 0) for i in range(len(anchors))]
    return [
        Anchor(
            i,
            node.op,
            node.span,
            node.shape or (),
            (),
            (),
            NotFinite(),
            figures[i],
            figures[i],
            None,
        )
        for i, node in enumerate(anchors)
    ]


def kernels(trace: Trace) -> list[Kernel]:
    lowered = Graph(next(trace.modules_of("lower")))
    calls = [op for op in lowered.ops if op.name != RESULT]
    return [Kernel(i, op.name, 0.1 * 2**i, op.node.tensor) for i, op in enumerate(calls)]


@pytest.fixture
def tab(measured: Path, browser: Any) -> Any:
    tab = opened(browser, measured)
    tab.wait_for_selector(READY)
    tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    yield tab
    assert not tab.complaints
    tab.context.close()


def whole(tab: Any, name: str) -> Any:
    """The part of the page with the whole model of a configuration."""
    heading = tab.locator("summary h2", has_text=re.compile(rf"^\W*{name}\b"))
    section = tab.locator("details.configuration", has=heading)
    return section.first.locator("details.sub[id$=whole]")


class TestNodes:
    @pytest.fixture
    def box(self, tab: Any) -> Any:
        return tab.locator(".picture:has(.node.rejected)").first

    def test_one_is_on_the_way_of_tab_and_arrows_lead_on(self, box: Any) -> None:
        active = "document.activeElement.dataset.node"
        entry = box.locator(".node[tabindex='0']")
        assert entry.count() == 1 and "rejected" in entry.get_attribute("class")
        entry.focus()
        tab, first = box.page, entry.get_attribute("data-node")
        tab.keyboard.press("ArrowUp")
        above = tab.evaluate(active)
        assert box.locator(f".edge[data-from={above}][data-to={first}]").count() == 1
        assert box.locator(".node.lit").count() > 1
        tab.keyboard.press("ArrowDown")
        assert tab.evaluate(active) != above
        assert box.locator(".node[tabindex='0']").count() == 1

    def test_each_says_what_it_is_and_is_a_link(self, box: Any) -> None:
        node = box.locator(".node.rejected").first
        assert node.get_attribute("role") == "link"
        assert "rejected here" in node.get_attribute("aria-label")
        assert "read by" in node.get_attribute("aria-label")

    @pytest.mark.parametrize("how", ["click", "Enter"])
    def test_it_leads_to_the_op_in_the_viewer(self, box: Any, how: str) -> None:
        node = box.locator(".node.rejected").first
        node.click() if how == "click" else node.press(how)
        place = node.get_attribute("data-ops")
        box.page.wait_for_function(f"location.hash === '#int4/QuantizeRealize/{place}'")

    def test_what_was_dragged_was_not_clicked(self, box: Any) -> None:
        box.locator("xpath=preceding-sibling::div").get_by_label("As large").click()
        at = box.locator(".node.rejected").first.bounding_box()
        mouse = box.page.mouse
        mouse.move(at["x"] + 20, at["y"] + 20)
        mouse.down()
        mouse.move(at["x"] - 40, at["y"] - 40, steps=4)
        mouse.up()
        assert box.page.evaluate("location.hash") == ""

    def test_words_are_found(self, tab: Any) -> None:
        part = whole(tab, "int4")
        search = part.get_by_label("Search in this graph")
        search.fill("conv2d")
        found = part.locator(".node.lit").count()
        assert 1 < found < part.locator(".node").count()
        assert part.get_by_role("status").text_content() == f"1 of {found}"
        search.press("Enter")
        assert part.get_by_role("status").text_content() == f"2 of {found}"
        assert part.locator(".node.found").count() == 1
        search.fill("no such op")
        assert part.get_by_role("status").text_content() == "none"


class TestColours:
    def test_by_error_alone_and_by_time(self, tab: Any) -> None:
        part = whole(tab, WORKS)
        plain = part.locator(".node.d-wide").count()
        for name in ("error", "time"):
            part.get_by_role("radio", name=name).check()
            looks = {i for i in range(5) if part.locator(f".node.s-{i}").count()}
            legend = part.locator(".legend:visible span[class^=s-]")
            told = {legend.nth(i).get_attribute("class") for i in range(legend.count())}
            assert len(looks) > 1 and told == {f"s-{i}" for i in looks} | {"s-none"}
            # Not by colour alone:
            assert part.locator("text.corner").count() == part.locator(".node:not(.s-none)").count()
            assert part.locator(".node.d-wide").count() == 0
        part.get_by_role("radio", name="dtype").check()
        assert part.locator(".node.d-wide").count() == plain > 0

    def test_the_new_legend_dims_too(self, tab: Any) -> None:
        part = whole(tab, WORKS)
        part.get_by_role("radio", name="error").check()
        key = part.locator(".legend:visible [role=button]").first
        key.press("Enter")
        assert 0 < part.locator(".node.lit").count() < part.locator(".node").count()

    def test_what_was_judged_is_by_fate_first_and_by_dtype_if_wanted(self, tab: Any) -> None:
        part = whole(tab, "int4")
        assert part.get_by_role("radio", name="fate").is_checked()
        rejected = part.locator(".node.m-rejected").count()
        part.get_by_role("radio", name="dtype").check()
        assert part.locator(".node.m-rejected").count() == 0 < part.locator(".node.d-float").count()
        part.get_by_role("radio", name="fate").check()
        assert part.locator(".node.m-rejected").count() == rejected > 0

    def test_what_was_not_measured_is_not_offered(self, tab: Any) -> None:
        assert whole(tab, "int4").get_by_role("radio", name="time").count() == 0


class TestSides:
    def test_a_switch_shows_one_module_or_the_other_and_nothing_moves(self, tab: Any) -> None:
        part = tab.locator("section", has=tab.get_by_text("What QuantizeRealize makes of")).last
        node = part.locator(".node:not(.was):not(.now)", has_text="conv2d").first
        place = node.bounding_box()
        assert "int32" in node.text_content()
        part.get_by_role("radio", name="before QuantizeRealize").check()
        assert "float32" in node.text_content() and "int32" not in node.text_content()
        assert node.bounding_box()["x"] == place["x"]
        opacity = "node => getComputedStyle(node).opacity"
        assert part.locator(".node.now").first.evaluate(opacity) == "0.12"
        assert part.locator(".node.was").first.evaluate(opacity) == "1"
        assert "d-float" in node.get_attribute("class")
        part.get_by_role("radio", name="after QuantizeRealize").check()
        assert "int32" in node.text_content() and "d-wide" in node.get_attribute("class")
        assert part.locator(".node.was").first.evaluate(opacity) == "0.12"

    def test_an_op_of_the_first_module_leads_to_the_step_before(self, tab: Any) -> None:
        part = tab.locator("section", has=tab.get_by_text("What QuantizeRealize makes of")).last
        part.get_by_role("radio", name="before QuantizeRealize").check()
        part.locator(".node.was").first.press("Enter")
        tab.wait_for_function("location.hash.startsWith('#int8/int8/int32/QuantizeCalibrate/')")

    def test_of_a_rejected_compile_it_is_what_was_written_before(self, tab: Any) -> None:
        part = tab.locator("section", has=tab.get_by_text("What was written around the op")).last
        assert part.locator(".node.now", has_text="simulated_quantize").count() > 0
        assert part.locator(".node.rejected").count() == 1


def sides(name: str = "x") -> Sides:
    """x → conv → relu, and x → cast → conv (of integers) → relu."""
    before = (Node(0, "var", name=name), call(1, "nn.conv2d", 0), call(2, "nn.relu", 1))
    after = (
        Node(0, "var", name=name),
        call(1, "cast", 0, dtype="int8"),
        call(2, "nn.conv2d", 1, dtype="int32"),
        call(3, "nn.relu", 2),
    )
    return Sides(Snapshot(1, before), Snapshot(2, after), {1: 2, 2: 3})


def test_two_modules_are_one_picture() -> None:
    found = changes.around(sides(), 1, False, "c0-change", "a change")
    assert found is not None and found.svg is not None
    groups = [e for e in ET.fromstring(found.svg).iter() if e.get("data-node")]
    looks = {
        e.get("data-node"): (e.get("class"), e.get("data-ops"), e.get("data-ops-was"))
        for e in groups
    }
    assert looks == {
        "n0": ("node d-other", None, None),
        "n1": ("node d-int8 now", "0", None),
        "n2": ("node d-wide both", "1", "0"),
        "n3": ("node d-float", "2", "1"),
    }
    edges = [e for e in ET.fromstring(found.svg).iter() if e.get("data-from")]
    drawn = {(e.get("data-from"), e.get("data-to")): e.get("class") for e in edges}
    assert drawn == {
        ("n0", "n1"): "edge now",
        ("n1", "n2"): "edge now",
        ("n0", "n2"): "edge was",
        ("n2", "n3"): "edge",
    }
    assert [(key.look, key.text) for key in found.legend] == [
        ("side now", "only after"),
        ("side both", "differs"),
    ]


def test_what_is_the_same_in_both_is_not_drawn() -> None:
    both = sides().before
    assert changes.around(Sides(both, both, {1: 1, 2: 2}), 1, False, "p", "t") is None


def test_hostile_names_stay_text() -> None:
    found = changes.around(sides(EVIL), 2, True, "p", EVIL, True)
    assert found is not None and found.svg is not None
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(found.svg).iter()}
    assert tags <= {"svg", "g", "title", "text", "path", "polygon", "ellipse"}
