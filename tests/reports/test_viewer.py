"""Stepping through a compile, in a browser: what one sees, by mouse and by keyboard."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from support.builders import written
from support.pages import CONTRAST, EVIL, Outline, opened
from support.runs import CRASHED, TINY, copied

from tvmq_diag.reports import templating
from tvmq_diag.reports.pages import run as page
from tvmq_diag.results import store, verdict
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.verdict import Verdict
from tvmq_diag.trace import reader
from tvmq_diag.trace.snapshot import Node, Snapshot
from tvmq_diag.trace.trace import PassRun, Trace

READY = "#viewer-parts:not([hidden])"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(TINY, tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(CRASHED, tmp_path_factory.mktemp("crashed"))


def rendered(source: Path, folder: Path) -> Path:
    run = store.load(source)
    run.directory = folder
    return page.write(run)


def compiled(folder: Path, *modules: Snapshot, name: str = "int8") -> Path:
    """The page of a compile that handed on these modules, one a pass."""
    runs = {
        number: PassRun(number, f"Pass{number}", stage, number, None, number + 0.5, number, number)
        for number, stage in ((module.number, "realize") for module in modules)
    }
    for number, run in runs.items():
        run.before, run.stage = number - 1, "import" if number == 1 else "realize"
    trace = Trace(folder, pass_runs=runs, ended=True)
    trace.tables = {module.number: written(module.number) for module in modules}
    trace._snapshots = {module.number: module for module in modules}
    result = Result(Verdict(name, "relay", verdict.WORKS), Role.REQUESTED, trace)
    folder.mkdir(parents=True, exist_ok=True)
    return page.write(Run(folder, RunFacts(model="made up"), [result]))


def chain(number: int, ops: int, **changed: Any) -> Snapshot:
    """A module of `ops` relus, each reading the one before; `changed` is of the last one."""
    nodes = [Node(0, "var", name="x", dtype="float32", shape=(1, 8))]
    for row in range(1, ops + 1):
        more = {"dtype": "float32", "shape": (1, 8), "attrs": {"axis": row}}
        nodes.append(
            Node(
                row, "call", "nn.softmax", (row - 1,), **{**more, **(changed if row == ops else {})}
            )
        )
    return Snapshot(number, tuple(nodes))


def step_to(tab: Any, path: Path, place: str) -> None:
    tab.goto(f"{path.as_uri()}#{place}")
    tab.wait_for_selector(READY)


def test_it_opens_at_the_refused_op(tiny: Path, browser: Any) -> None:
    tab = opened(browser, tiny)
    tab.wait_for_selector(READY)
    assert tab.text_content("#viewer-pass") == "✗ QuantizeRealize"
    refused = tab.locator(".v-row.refused")
    assert refused.count() == 1 and "rejected here" in refused.text_content()
    assert refused.get_attribute("aria-selected") == "true"
    assert refused.bounding_box() is not None
    assert "Was given this module; rejected at %" in tab.text_content("#viewer-what")
    assert not tab.complaints and tab.asked == [tiny.as_uri()]


def test_a_crash_on_relax_is_marked_too(crashed: Path, browser: Any) -> None:
    tab = opened(browser, crashed)
    tab.wait_for_selector(READY)
    assert tab.text_content("#viewer-pass").startswith("✗")
    assert not tab.complaints


def test_only_what_changed_is_stepped_through_unless_asked(tiny: Path, browser: Any) -> None:
    tab = opened(browser, tiny)
    step_to(tab, tiny, "int8/int8/int32/QuantizeRealize")
    few = tab.locator(".v-bar").count()
    assert tab.locator(".v-bar.hollow").count() == 0
    tab.uncheck("#viewer-changed")
    assert tab.locator(".v-bar").count() > few and tab.locator(".v-bar.hollow").count() > 0
    assert int(tab.get_attribute("#viewer-slider", "max")) == tab.locator(".v-bar").count() - 1


def test_the_keyboard_alone_steps_and_selects(tiny: Path, browser: Any) -> None:
    tab = opened(browser, tiny)
    step_to(tab, tiny, "int8/int8/int32/QuantizeAnnotate")
    tab.focus("#viewer-list")
    tab.keyboard.press("ArrowRight")
    assert tab.text_content("#viewer-pass") == "QuantizeCalibrate"
    said = tab.get_attribute("#viewer-slider", "aria-valuetext")
    assert said.startswith("QuantizeCalibrate, calibrate, ")
    tab.keyboard.press("Home")
    tab.keyboard.press("PageDown")
    tab.keyboard.press("ArrowDown")
    active = tab.get_attribute("#viewer-list", "aria-activedescendant")
    assert tab.get_attribute(f"#{active}", "aria-selected") == "true"
    tab.focus("#viewer-on")
    tab.keyboard.press("Home")
    assert tab.text_content("#viewer-pass") == "the model"
    tab.focus("#viewer-slider")
    tab.keyboard.press("ArrowRight")
    assert tab.text_content("#viewer-pass") != "the model"
    tab.wait_for_function("location.hash.startsWith('#int8/int8/int32/')")


def test_what_calibration_changed_is_told_word_by_word(tiny: Path, browser: Any) -> None:
    tab = opened(browser, tiny)
    step_to(tab, tiny, "int8/int8/int32/QuantizeCalibrate")
    assert "changed scale or clip; nothing added or removed" in tab.text_content("#viewer-what")
    changed = tab.locator(".v-row.changed .v-standing ins").first.text_content()
    assert changed.startswith("· [-127, 127] · 0.")
    assert tab.locator(".v-row.changed .v-standing del").count() == 0


def test_realize_adds_removes_and_changes_dtypes(tiny: Path, browser: Any) -> None:
    tab = opened(browser, tiny)
    step_to(tab, tiny, "int8/int8/int32/QuantizeRealize")
    for kind in ("added", "removed", "changed"):
        assert tab.locator(f".v-row.{kind}").count() > 0, kind
    row = tab.locator(".v-row.changed", has_text="nn.conv2d").first
    assert "float32" in row.locator("del").all_text_contents()[-1]
    assert "int32" in row.locator(".v-made > .v-chip").last.text_content()
    assert "made before: float32" in tab.text_content("#viewer-what")


def test_an_op_is_followed_from_pass_to_pass(tiny: Path, browser: Any) -> None:
    tab = opened(browser, tiny)
    step_to(tab, tiny, "int8/int8/int32/QuantizeCalibrate")
    tab.locator(".v-row", has_text="nn.conv2d").nth(1).locator("b").click()
    tab.focus("#viewer-list")
    tab.keyboard.press("ArrowRight")
    selected = tab.locator('.v-row[aria-selected="true"]')
    assert "nn.conv2d" in selected.text_content() and "int32" in selected.text_content()
    tab.keyboard.press("Enter")
    assert "nn.conv2d" not in tab.locator('.v-row[aria-selected="true"]').text_content()
    tab.keyboard.press("Shift+Enter")
    assert "nn.conv2d" in tab.locator('.v-row[aria-selected="true"]').text_content()


def test_a_pass_on_lowered_functions_says_which_it_changed(tiny: Path, browser: Any) -> None:
    tab = opened(browser, tiny)
    step_to(tab, tiny, "int8/int8/int32/tir.VectorizeLoop")
    functions = tab.locator("#viewer-functions li")
    assert 0 < functions.count() < 15
    assert (
        tab.text_content("#viewer-what")
        == f"Of 15 lowered functions it changed {functions.count()}."
    )
    assert "tvmgen_default_fused" in functions.first.text_content()
    assert "float32" in functions.first.text_content()


def test_what_did_not_change_is_folded_until_it_is_opened(tmp_path: Path, browser: Any) -> None:
    path = compiled(tmp_path, chain(1, 60), chain(2, 60), chain(3, 60, dtype="int8"))
    tab = opened(browser, path)
    step_to(tab, path, "int8/Pass3")
    assert tab.locator(".v-row").all_text_contents()[0].endswith("57 ops unchanged")
    tab.focus("#viewer-list")
    tab.keyboard.press("Home")
    tab.keyboard.press("Enter")
    assert "ops unchanged" not in tab.text_content("#viewer-rows")
    step_to(tab, path, "int8/Pass3/20")
    tab.reload()
    tab.wait_for_selector(READY)
    assert tab.locator('.v-row[aria-selected="true"] .v-at').text_content() == "%20"
    assert tab.locator(".v-row.fold").count() == 2


def test_ten_thousand_ops_draw_only_what_is_seen(tmp_path: Path, browser: Any) -> None:
    path = compiled(tmp_path, chain(1, 10_000), chain(2, 10_000), chain(3, 10_000, dtype="int8"))
    tab = opened(browser, path)
    step_to(tab, path, "int8/Pass3")
    tab.check("#viewer-all")
    assert tab.locator(".v-row").count() < 60
    assert tab.get_attribute(".v-row >> nth=0", "aria-setsize") == "10000"
    usual = tab.evaluate("""async () => {
      const list = document.getElementById("viewer-list");
      const times = [];
      for (let i = 0; i < 40; i += 1) {
        const begin = performance.now();
        list.scrollTop = (i * list.scrollHeight) / 40;
        list.dispatchEvent(new Event("scroll"));
        document.body.offsetHeight;
        times.push(performance.now() - begin);
        await new Promise(requestAnimationFrame);
      }
      return times.sort((a, b) => a - b)[20];
    }""")
    assert usual < 50
    tab.focus("#viewer-list")
    tab.keyboard.press("End")
    assert tab.locator('.v-row[aria-selected="true"] .v-at').text_content() == "%9999"


@pytest.mark.parametrize("ops", [20, 27, 30, 33, 36, 50])
def test_every_row_that_is_seen_is_there_wherever_one_scrolls(
    tmp_path: Path, browser: Any, ops: int
) -> None:
    path = compiled(tmp_path, chain(1, ops), chain(2, ops), chain(3, ops, dtype="int8"))
    tab = opened(browser, path)
    step_to(tab, path, "int8/Pass3")
    tab.check("#viewer-all")
    missing = tab.evaluate(
        """async (ops) => {
      const list = document.getElementById("viewer-list"), missing = [];
      for (let top = 0; top <= list.scrollHeight - list.clientHeight; top += 25) {
        list.scrollTop = top;
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        const first = Math.floor(top / 25), last = Math.floor((top + list.clientHeight - 1) / 25);
        for (let row = first; row <= last && row < ops; row += 1)
          if (!document.getElementById(`v-op-${row}`)) missing.push([top, row]);
      }
      return missing;
    }""",
        ops,
    )
    assert missing == []


def test_nothing_from_a_model_becomes_markup_in_the_viewer(tmp_path: Path, browser: Any) -> None:
    evil = {"attrs": {EVIL: EVIL}, "span": EVIL}
    path = compiled(tmp_path, chain(1, 3), chain(2, 3), chain(3, 3, **evil), name=EVIL)
    tab = opened(browser, path)
    tab.wait_for_selector(READY)
    assert "{{7*7}}" in tab.text_content("#viewer-rows")
    assert tab.locator("#viewer img, #viewer script").count() == 0
    assert not tab.complaints


def test_without_javascript_a_sentence_stands_there(tiny: Path, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(tiny.as_uri())
    assert tab.locator("#viewer-note").is_visible() and not tab.locator(READY).is_visible()
    context.close()


@pytest.mark.parametrize("lacks", ["DecompressionStream", "data"])
def test_what_cannot_be_unpacked_is_said(
    tiny: Path, tmp_path: Path, browser: Any, lacks: str
) -> None:
    text = tiny.read_text()
    if lacks == "data":
        text = text.replace('id="steps">', 'id="steps">AAAA')
    cut = tmp_path / "cut.html"
    cut.write_text(text)
    context = browser.new_context()
    context.add_init_script("delete window.DecompressionStream" if lacks != "data" else "")
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(cut.as_uri())
    tab.wait_for_function("document.getElementById('viewer-note').textContent.includes('cannot')")
    assert not complaints
    context.close()


def test_an_address_that_leads_nowhere_opens_as_without_one(tiny: Path, browser: Any) -> None:
    for place in ("int8/int8/int32/NoSuchPass", "%E0%A4%A", "int4/QuantizeRealize/99999"):
        tab = opened(browser, tiny)
        tab.goto("about:blank")
        tab.goto(f"{tiny.as_uri()}#{place}")
        tab.wait_for_selector(READY)
        assert "QuantizeRealize" in tab.text_content("#viewer-pass")


@pytest.mark.parametrize("width", [1280, 800, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_legible_wide_and_narrow(tiny: Path, browser: Any, width: int, scheme: str) -> None:
    tab = opened(browser, tiny, width, scheme)
    for place in ("QuantizeCalibrate", "QuantizeRealize", "tir.VectorizeLoop"):
        step_to(tab, tiny, f"int8/int8/int32/{place}")
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert tab.evaluate(CONTRAST) == []
    assert not tab.complaints


def test_the_text_of_a_module_stands_side_by_side_with_that_before(
    tmp_path: Path, browser: Any
) -> None:
    saved = copied(tmp_path / "run")
    ir = saved / "traces" / "int8_int8_int32" / "ir"
    ir.mkdir(exist_ok=True)
    trace = reader.load(ir.parent)
    numbers = [number for number, module in trace.tables.items() if module.table]
    for number in numbers:
        lines = [f"  %{line + number} = same();" for line in range(30)]
        (ir / f"{number:05d}.txt").write_text("\n".join([*lines, f"  scale = {number}", EVIL]))
    path = page.write(store.load(saved))
    tab = opened(browser, path)
    step_to(tab, path, "int8/int8/int32/QuantizeCalibrate")
    tab.click("#viewer-texts summary")
    tab.wait_for_selector("#viewer-texts p")
    assert tab.locator(".v-sides tr.changed").count() == 1
    old, fresh = tab.locator(".v-sides tr.changed td").all()
    assert old.locator("del").count() == fresh.locator("ins").count() == 1
    assert "27 lines the same" in tab.text_content("#viewer-texts")
    assert tab.locator("#viewer-texts img").count() == 0 and not tab.complaints
    href = tab.get_attribute("#viewer-texts a >> nth=0", "href")
    assert (saved / href).is_file()


def test_texts_that_are_too_much_for_a_page_are_links(tmp_path: Path, browser: Any) -> None:
    saved = copied(tmp_path / "run")
    ir = saved / "traces" / "int8_int8_int32" / "ir"
    ir.mkdir(exist_ok=True)
    noise = random.Random(0).randbytes(400_000).hex()
    for number in range(1, 40):
        (ir / f"{number:05d}.txt").write_text(noise)
    path = page.write(store.load(saved))
    assert len(path.read_bytes()) < 1_500_000
    tab = opened(browser, path)
    step_to(tab, path, "int8/int8/int32/QuantizeCalibrate")
    tab.click("#viewer-texts summary")
    tab.wait_for_selector("#viewer-texts p")
    assert "too large to be in this page" in tab.text_content("#viewer-texts")


def test_ids_that_the_script_asks_for_are_on_the_page(tiny: Path) -> None:
    ids = {attrs.get("id") for _, attrs in Outline(tiny.read_text()).elements}
    assert {"viewer-list", "viewer-rows", "viewer-card", "steps"} <= ids
    assert templating.VIEWER[-1] == "viewer"


class TestSearch:
    def test_words_and_keys_find_ops_and_lead_to_them(self, tiny: Path, browser: Any) -> None:
        tab = opened(browser, tiny)
        tab.wait_for_selector(READY)
        tab.keyboard.press("/")
        tab.keyboard.type("conv2d dtype:int4")
        found = tab.locator("#viewer-found li")
        assert found.count() >= 3
        texts = found.all_text_contents()
        assert all("nn.conv2d" in text and "as int4" in text for text in texts)
        tab.keyboard.press("ArrowDown")
        tab.keyboard.press("Enter")
        tab.wait_for_function("location.hash.startsWith('#int4/QuantizeAnnotate/')")
        tab.locator("#viewer-card h4", has_text="nn.conv2d").wait_for()  # drawn after the address
        assert not tab.is_visible("#viewer-found") and not tab.complaints

    @pytest.mark.parametrize(
        ("words", "first"),
        [
            ("unknown data type", "rejected: unknown data type int4"),
            ("rejected", "rejected: unknown data type int4"),
            ("dtype_activation", "rejected: unknown data type int4"),
            ("#11 in:int4", "%11 "),
            ("%11 in:int4 kind:refused", "%11 add"),
            ("add dtype:int32", "add"),
            ("as int4", "as int4"),
        ],
    )
    def test_what_fits_best_comes_first(
        self, tiny: Path, browser: Any, words: str, first: str
    ) -> None:
        tab = opened(browser, tiny)
        tab.wait_for_selector(READY)
        tab.fill("#viewer-search", words)
        assert first in tab.locator("#viewer-found li").first.text_content()

    def test_a_word_of_what_became_of_an_op_is_no_op(self, tiny: Path, browser: Any) -> None:
        tab = opened(browser, tiny)
        tab.wait_for_selector(READY)
        tab.fill("#viewer-search", "add dtype:int32")
        found = tab.locator("#viewer-found li a").all_text_contents()
        assert found and all("add" in one for one in found)

    def test_what_is_not_there_is_said(self, tiny: Path, browser: Any) -> None:
        tab = opened(browser, tiny)
        tab.wait_for_selector(READY)
        tab.fill("#viewer-search", "dtype:int3")
        assert "Nothing of that kind" in tab.text_content("#viewer-found")
        tab.press("#viewer-search", "Escape")
        assert not tab.is_visible("#viewer-found")


class TestCard:
    def test_an_op_through_all_passes_and_in_the_other_configuration(
        self, tiny: Path, browser: Any
    ) -> None:
        tab = opened(browser, tiny)
        step_to(tab, tiny, "int8/int8/int32/QuantizeCalibrate/9")
        card = tab.locator("#viewer-card")
        assert "nn.conv2d" in card.locator("h4").text_content()
        life = card.locator(".c-life").first.locator("tr").all_text_contents()
        assert life[0].startswith("the model") and any("QuantizeRealize" in line for line in life)
        assert any("nn.contrib_conv2d_NCHWc" in line for line in life)
        assert "as int8, int8" in card.text_content()
        elsewhere = card.locator(".c-life").nth(1)
        assert "as int4, int4" in elsewhere.text_content()
        elsewhere.locator("th a").first.click()
        tab.wait_for_function("location.hash.startsWith('#int4/QuantizeCalibrate/')")
        card.filter(has_text="as int4, int4").wait_for()

    def test_it_leads_to_what_the_op_reads(self, tiny: Path, browser: Any) -> None:
        tab = opened(browser, tiny)
        step_to(tab, tiny, "int8/int8/int32/QuantizeCalibrate/9")
        tab.locator("#viewer-card dd a").first.click()
        tab.wait_for_function("!location.hash.endsWith('/9')")
        tab.locator("#viewer-card h4", has_text="simulated_quantize").wait_for()

    def test_the_verdict_leads_there(self, tiny: Path, browser: Any) -> None:
        tab = opened(browser, tiny)
        tab.wait_for_selector(READY)
        tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        tab.locator(".card dd a", has=tab.locator("code")).first.click()
        tab.wait_for_function("location.hash.startsWith('#int4/QuantizeRealize/')")
        tab.locator("#viewer-card").wait_for()


def test_rows_of_the_timeline_are_filtered(tiny: Path, browser: Any) -> None:
    tab = opened(browser, tiny)
    tab.wait_for_selector(READY)
    box = tab.locator("input.filter-rows").first
    rows = box.locator("xpath=ancestor::section").locator("tbody tr")
    before = rows.count()
    box.fill("conv2d int")
    shown = [row for row in range(before) if rows.nth(row).is_visible()]
    assert 0 < len(shown) < before
    assert all("conv2d" in rows.nth(row).text_content() for row in shown)


class TestTimeline:
    @pytest.fixture
    def box(self, tiny: Path, browser: Any) -> Any:
        tab = opened(browser, tiny)
        tab.wait_for_selector(READY)
        tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        return tab.locator("section:has(.timeline td.rejected)")

    def rows(self, box: Any) -> list[str]:
        return [row.text_content() for row in box.locator("tbody tr").all() if row.is_visible()]

    def test_rows_of_a_kind_with_a_dtype(self, box: Any) -> None:
        box.locator("[name=kind]").select_option("conv2d")
        kind = self.rows(box)
        assert all("conv2d" in row for row in kind)
        box.locator("[name=dtype]").select_option("int4")
        both = self.rows(box)
        assert 0 < len(both) < len(kind) and all("int4" in row for row in both)
        assert box.locator("[role=status]").text_content().startswith(f"{len(both)} of ")

    def test_rejected_rows(self, box: Any) -> None:
        box.locator("[name=rejected]").check()
        (row,) = self.rows(box)
        assert "✗ rejected" in row

    def test_arrows_lead_from_cell_to_cell_and_enter_into_the_viewer(self, box: Any) -> None:
        tab = box.page
        reached = "tbody a:not([tabindex='-1'])"
        assert box.locator(reached).count() == 1  # not hundreds on the way of Tab
        box.locator("tbody tr", has_text="int4").first.locator("td a").first.focus()
        tab.keyboard.press("ArrowRight")
        assert "as int4" in tab.evaluate("document.activeElement.textContent")
        assert box.locator(reached).count() == 1
        tab.keyboard.press("ArrowDown")
        tab.keyboard.press("Enter")
        tab.wait_for_function("location.hash.startsWith('#int4/QuantizeAnnotate/')")

    def test_a_cell_says_where_its_values_were_cast(self, tiny: Path, browser: Any) -> None:
        tab = opened(browser, tiny)
        table = tab.locator("#c0 .timeline, #c1 .timeline").filter(has_text="int8 → int32").first
        cell = table.locator("td", has_text="↘ cast from int32").first
        assert "int8 → int32" in cell.text_content()
        assert table.locator("td", has_text="↗ back to float32").count() == 1


class TestGraph:
    @pytest.fixture
    def box(self, tiny: Path, browser: Any) -> Any:
        tab = opened(browser, tiny)
        tab.wait_for_selector(READY)
        tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        return tab.locator(".picture:has(.node.rejected)").first

    def test_it_is_zoomed_by_buttons_and_keys(self, box: Any) -> None:
        def width() -> float:
            return float(box.locator("svg.graph").bounding_box()["width"])

        bar = box.locator("xpath=preceding-sibling::div[contains(@class, 'tools')]")
        before = width()
        bar.get_by_label("Larger").click()
        assert width() == pytest.approx(before * 1.3, rel=0.02)
        box.press("-")
        assert width() == pytest.approx(before, rel=0.02)
        box.press("0")
        assert width() <= box.bounding_box()["width"]

    def test_what_an_op_reads_and_who_reads_it_lights_up(self, box: Any) -> None:
        node = box.locator(".node.rejected").first
        node.hover()
        lit = box.locator(".node.lit")
        assert 1 < lit.count() < box.locator(".node").count()
        assert box.locator(".edge.lit").count() >= 1
        assert "dim" in box.locator("svg.graph").get_attribute("class")

    def test_a_key_of_the_legend_dims_the_others(self, box: Any) -> None:
        legend = box.locator("xpath=preceding-sibling::p[contains(@class, 'legend')]")
        key = legend.get_by_role("button").first
        key.press("Enter")
        assert key.get_attribute("aria-pressed") == "true"
        assert 0 < box.locator(".node.lit").count() < box.locator(".node").count()
        key.press("Enter")
        assert box.locator(".node.lit").count() == 0


def test_nothing_is_cut_on_paper_and_nothing_dead_is_printed(tiny: Path, browser: Any) -> None:
    tab = opened(browser, tiny, 718)  # A4 with Chromium's margins
    tab.wait_for_selector(READY)
    tab.emulate_media(media="print")
    cut = """() => [...document.querySelectorAll(".scroll, .picture")]
        .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.ariaLabel)"""
    assert tab.evaluate(cut) == []
    for dead in ("#viewer", ".filter", ".only", ".skip", ".tools"):
        assert not tab.locator(dead).first.is_visible()


def test_the_link_over_all_leads_to_the_verdict(tiny: Path, browser: Any) -> None:
    tab = opened(browser, tiny)
    tab.wait_for_selector(READY)
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    tab.wait_for_function("location.hash === '#main'")
    tab.wait_for_timeout(100)
    assert tab.evaluate("scrollY") < 50


def test_the_refused_cell_is_in_sight(tiny: Path, browser: Any) -> None:
    tab = opened(browser, tiny)
    tab.wait_for_selector(READY)
    inside = """(cell) => { const box = cell.closest(".timeline").getBoundingClientRect();
        const at = cell.getBoundingClientRect();
        return at.left >= box.left && at.right <= box.right + 1 && at.top >= box.top; }"""
    tab.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert tab.locator(".timeline td.rejected").first.evaluate(inside)
