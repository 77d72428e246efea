"""Stepping through two compiles at once, in a browser: where it opens, what stands beside what."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from support.builders import written
from support.pages import CONTRAST, EVIL, opened
from support.runs import TINY

from tvmq_diag.comparison import run_diff
from tvmq_diag.comparison.figures import Tolerances
from tvmq_diag.comparison.run_diff import Comparison
from tvmq_diag.reports.pages import comparison as page
from tvmq_diag.reports.views import pairs
from tvmq_diag.reports.views.steps import Steps
from tvmq_diag.results import verdict
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.verdict import Verdict
from tvmq_diag.trace import reader
from tvmq_diag.trace.snapshot import Node, Snapshot
from tvmq_diag.trace.trace import PassRun, Trace

READY = "#viewer-parts:not([hidden])"
SELECTED = '.v-row[aria-selected="true"]'
TRACES = TINY / "traces"
NAME = "int4 -> int8/int8/int32"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compared = run_diff.compare(TRACES / "int4", TRACES / "int8_int8_int32")
    return page.write(compared, {"before": "a", "now": "b"}, tmp_path_factory.mktemp("tiny"))


def at(tab: Any, path: Path, place: str) -> None:
    tab.goto(f"{path.as_uri()}#{place}")
    tab.wait_for_selector(READY)


def module(number: int, *ops: dict[str, Any]) -> Snapshot:
    """A chain of ops, each reading the one before."""
    nodes = [Node(0, "var", name="x", dtype="float32", shape=(1, 8))]
    for row, op in enumerate(ops, 1):
        about = {"op": "nn.softmax", "dtype": "float32", "shape": (1, 8), **op}
        nodes.append(Node(row, "call", inputs=(row - 1,), **about))
    return Snapshot(number, tuple(nodes))


def compiled(folder: Path, *modules: tuple[str, Snapshot]) -> Result:
    """A compile of these passes, the first of them the import, which is typed then."""
    modules = modules[0], ("InferType", modules[0][1]), *modules[1:]
    runs = {
        number: PassRun(
            number, name, "import" if number == 1 else "realize", number, None, number + 0.5,
            number - 1, number,
        )
        for number, (name, _) in enumerate(modules, 1)
    }  # fmt: skip
    trace = Trace(folder, pass_runs=runs, ended=True)
    trace.tables = {number: written(number) for number in runs}
    trace._snapshots = {
        number: Snapshot(number, one.nodes) for number, (_, one) in enumerate(modules, 1)
    }
    return Result(Verdict("int8", "relay", verdict.WORKS), Role.REQUESTED, trace)


def beside(folder: Path, old: Result, new: Result) -> Path:
    runs = [Run(folder / name, RunFacts(), [one]) for name, one in (("a", old), ("b", new))]
    compared = run_diff.of_runs(*runs, Tolerances())
    folder.mkdir(parents=True, exist_ok=True)
    return page.write(compared, {"before": "a", "now": "b"}, folder)


def ops(count: int) -> list[dict[str, Any]]:
    return [{"attrs": {"axis": axis}} for axis in range(count)]


def test_it_opens_at_the_first_pass_and_op_that_differ(tiny: Path, browser: Any) -> None:
    tab = opened(browser, tiny)
    tab.wait_for_selector(READY)
    assert tab.text_content("#viewer-pass") == "QuantizePartition"
    assert tab.text_content("#viewer-what") == "cast_hint %4 dtype int4 → int8; and 5 more."
    selected = tab.locator(SELECTED)
    assert selected.count() == 1 and selected.bounding_box() is not None
    left, right = selected.locator(".v-side").all_text_contents()
    assert "int4" in left and "int8" in right and "int4" not in right
    assert not tab.complaints and tab.asked == [tiny.as_uri()]


def test_where_it_opens_is_what_the_headline_names() -> None:
    compared = run_diff.compare(TRACES / "int4", TRACES / "int8_int8_int32")
    steps = Steps()
    (delta,) = compared.configurations
    assert delta.first is not None and delta.old is not None and delta.new is not None
    data = pairs.add(steps, delta.name, "c0", delta.old, delta.new)
    assert data is not None and data.opens is not None and data.pairs[data.opens].new is not None
    named = steps.compiles[data.new].steps[data.pairs[data.opens].new].name
    assert named == delta.first.name
    assert not any(pair.differs for pair in data.pairs[: data.opens])


def test_both_are_stepped_together_by_the_keyboard(tiny: Path, browser: Any) -> None:
    tab = opened(browser, tiny)
    tab.wait_for_selector(READY)
    tab.focus("#viewer-list")
    for name in ("QuantizeAnnotate", "QuantizeCalibrate", "✗ QuantizeRealize"):
        tab.keyboard.press("ArrowRight")
        assert tab.text_content("#viewer-pass") == name
    assert tab.text_content("#viewer-what").startswith(
        "It failed before at %11 add, and goes through now."
    )
    tab.keyboard.press("ArrowLeft")
    assert tab.text_content("#viewer-pass") == "QuantizeCalibrate"
    tab.wait_for_function("() => location.hash.includes('/QuantizeCalibrate')")


def test_the_strip_says_what_only_one_has_what_differs_and_what_is_alike(
    tiny: Path, browser: Any
) -> None:
    tab = opened(browser, tiny)
    tab.wait_for_selector(READY)
    assert {"≠", "+"} <= set(tab.locator(".v-bar > b").all_text_contents())
    assert tab.locator(".v-bar.hollow").count() == 0
    tab.uncheck("#viewer-changed")
    assert tab.locator(".v-bar.hollow").count() > 0
    title = tab.get_attribute('.v-bar.hollow[data-step="1"]', "title")
    assert title.endswith("the same in both")
    tab.focus("#viewer-slider")
    tab.keyboard.press("Home")
    assert "the same in both" in tab.get_attribute("#viewer-slider", "aria-valuetext")
    assert tab.text_content("#viewer-what").startswith("The same in both: ")


def test_an_op_that_is_gone_has_an_address_and_enter_follows_what_it_read(
    tmp_path: Path, browser: Any
) -> None:
    cast = {"op": "cast", "attrs": {"dtype": "int8"}, "dtype": "int8"}
    two = ops(2)
    old = compiled(
        tmp_path / "a",
        ("Import", module(1, *ops(3))),
        ("Realize", module(2, *two, cast, ops(3)[2])),
    )
    new = compiled(tmp_path / "b", ("Import", module(1, *ops(3))), ("Realize", module(2, *ops(3))))
    path = beside(tmp_path, old, new)
    tab = opened(browser, path)
    tab.wait_for_selector(READY)
    assert tab.text_content("#viewer-what").startswith("cast %2 only before")
    selected = tab.locator(SELECTED)
    assert "cast" in selected.text_content() and "removed" in selected.get_attribute("class")
    tab.click(f"{SELECTED} b")
    tab.wait_for_function("() => location.hash === '#int8/Realize/-2'")
    tab.focus("#viewer-list")
    tab.keyboard.press("Enter")
    assert selected.locator(".v-at").first.text_content() == "%1"
    tab.keyboard.press("Shift+Enter")  # of an op that both have, the one that reads it now
    assert selected.locator(".v-at").all_text_contents() == ["%3", "%2"]
    tab.wait_for_function("() => location.hash !== '#int8/Realize/-2'")  # it follows a little later
    at(tab, path, "int8/Realize/-2")
    tab.wait_for_selector(f"{SELECTED}.removed")
    assert "cast" in tab.locator(SELECTED).text_content()
    assert "only before" in tab.text_content("#viewer-card")


def test_a_scale_is_told_in_words_and_its_op_on_a_card(tmp_path: Path, browser: Any) -> None:
    changed = ops(3)
    changed[1] = {"attrs": {"axis": 1, "scale": 0.125}}
    first = ops(3)
    first[1] = {"attrs": {"axis": 1, "scale": 0.0625}}
    old = compiled(tmp_path / "a", ("Import", module(1, *ops(3))), ("Calibrate", module(2, *first)))
    new = compiled(
        tmp_path / "b", ("Import", module(1, *ops(3))), ("Calibrate", module(2, *changed))
    )
    tab = opened(browser, beside(tmp_path, old, new))
    tab.wait_for_selector(READY)
    assert tab.text_content("#viewer-what") == "nn.softmax %1 scale 0.0625 → 0.125."
    row = tab.locator("#viewer-card tr.differs", has_text="attributes")
    assert row.locator("del").text_content() == "scale=0.0625"
    assert row.locator("ins").text_content() == "scale=0.125"
    assert tab.locator("#viewer-card a").all_text_contents() == ["the model", "Calibrate"]


def test_a_pass_that_only_one_has_is_marked_in_both_directions(
    tmp_path: Path, browser: Any
) -> None:
    same = module(1, *ops(3))
    less = module(2, *ops(2))
    old = compiled(tmp_path / "a", ("Import", same), ("Fold", less))
    new = compiled(tmp_path / "b", ("Import", same))
    for folder, sides, mark, said in (
        ("o", (old, new), "\N{MINUS SIGN}", "This pass ran only before."),
        ("n", (new, old), "+", "This pass runs only now."),
    ):
        tab = opened(browser, beside(tmp_path / folder, *sides))
        tab.wait_for_selector(READY)
        assert tab.text_content("#viewer-pass") == "Fold"
        assert tab.locator(".v-bar > b").all_text_contents() == [mark]
        assert tab.text_content("#viewer-what").startswith(said)


def test_it_is_one_column_where_there_is_no_room_or_it_is_switched_off(
    tiny: Path, browser: Any
) -> None:
    tab = opened(browser, tiny)
    tab.wait_for_selector(READY)
    assert tab.locator(".v-side").count() > 10
    tab.uncheck("#viewer-sides")
    assert tab.locator(".v-side").count() == 0
    assert tab.locator(f"{SELECTED} del").first.text_content() == "int4"
    tab.check("#viewer-sides")
    assert tab.locator(".v-side").count() > 10
    tab.set_viewport_size({"width": 500, "height": 900})
    tab.wait_for_function("() => !document.querySelector('.v-side')")
    assert not tab.locator("#viewer-sides").is_visible()


def test_a_reference_in_the_left_column_leads_to_the_op_of_the_left(
    tiny: Path, browser: Any
) -> None:
    tab = opened(browser, tiny)
    at(tab, tiny, f"{NAME}/QuantizeRealize")
    row = tab.locator(".v-row.changed", has_text="nn.conv2d").first
    reference = row.locator(".v-side").first.locator(".v-ref").first
    read = reference.text_content()
    reference.click()
    left = tab.locator(SELECTED).locator(".v-side").first
    assert left.locator(".v-at").text_content() == read


def test_configurations_that_are_alike_are_not_in_the_viewer(tmp_path: Path, browser: Any) -> None:
    one = compiled(tmp_path / "a", ("Import", module(1, *ops(3))))
    other = compiled(tmp_path / "b", ("Import", module(1, *ops(3))))
    text = beside(tmp_path, one, other).read_text(encoding="utf-8")
    assert 'id="viewer"' not in text and 'id="steps"' not in text


def test_what_is_told_of_a_damaged_trace_is_a_note(tmp_path: Path) -> None:
    shutil.copytree(TRACES / "int8_int8_int32", tmp_path / "new")
    for table in (tmp_path / "new").glob("snapshots/*"):
        table.write_bytes(table.read_bytes()[:200])
    compared = run_diff.compare(TRACES / "int8_int8_int32", tmp_path / "new")
    assert isinstance(compared, Comparison)
    assert page.write(compared, {}, tmp_path).is_file()


def test_the_texts_of_both_modules_stand_side_by_side(tmp_path: Path, browser: Any) -> None:
    for name in ("int4", "int8_int8_int32"):
        folder = shutil.copytree(TRACES / name, tmp_path / name)
        ir = folder / "ir"
        shutil.rmtree(ir, ignore_errors=True)
        ir.mkdir()
        for number in (n for n, module in reader.load(folder).tables.items() if module.table):
            lines = [f"  %{line} = same();" for line in range(30)]
            (ir / f"{number:05d}.txt").write_text("\n".join([*lines, f"  as {name}", EVIL]))
    compared = run_diff.compare(tmp_path / "int4", tmp_path / "int8_int8_int32")
    tab = opened(browser, page.write(compared, {"before": "a", "now": "b"}, tmp_path))
    tab.wait_for_selector(READY)
    tab.click("#viewer-texts summary")
    tab.wait_for_selector("#viewer-texts p")
    old, fresh = tab.locator(".v-sides tr.changed td").all()
    assert old.locator("del").text_content() == "int4"
    assert fresh.locator("ins").text_content() == "int8_int8_int32"
    hrefs = [one.get_attribute("href") for one in tab.locator("#viewer-texts a").all()]
    assert [href.partition("/")[0] for href in hrefs] == ["int4", "int8_int8_int32"]
    assert all((tmp_path / href).is_file() for href in hrefs) and not tab.complaints


def test_nothing_from_a_model_becomes_markup(tmp_path: Path, browser: Any) -> None:
    evil = [*ops(2), {"attrs": {EVIL: EVIL}, "span": EVIL}]
    old = compiled(tmp_path / "a", ("Import", module(1, *ops(3))), (EVIL, module(2, *ops(3))))
    new = compiled(tmp_path / "b", ("Import", module(1, *ops(3))), (EVIL, module(2, *evil)))
    tab = opened(browser, beside(tmp_path, old, new))
    tab.wait_for_selector(READY)
    assert "{{7*7}}" in tab.text_content("#viewer-rows")
    assert tab.locator("#viewer img, #viewer script").count() == 0
    assert not tab.complaints


@pytest.mark.parametrize("width", [1280, 800, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_legible_wide_and_narrow(tiny: Path, browser: Any, width: int, scheme: str) -> None:
    tab = opened(browser, tiny, width, scheme)
    for place in ("QuantizePartition/4", "QuantizeRealize/-5", "tir.VectorizeLoop"):
        at(tab, tiny, f"{NAME}/{place}")
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert tab.evaluate(CONTRAST) == []
    assert not tab.complaints


def test_without_javascript_the_tables_stand_there(tiny: Path, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(tiny.as_uri())
    assert tab.locator("#viewer-note").is_visible() and not tab.locator(READY).is_visible()
    assert tab.locator(".aligned table").first.is_visible()
    context.close()
