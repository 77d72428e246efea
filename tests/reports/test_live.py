"""A page that is written again while it is open: what it says, and what it leaves where it was."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from pathlib import Path
from typing import Any

import pytest
from support.pages import EVIL, Outline, opened
from support.runs import copied

from tvmq_diag.reports.pages import run as page
from tvmq_diag.reports.views.kept import Kept
from tvmq_diag.reports.views.under_way import EVERY_WHILE_TIMED, UnderWay
from tvmq_diag.results import store
from tvmq_diag.results.run import Run

NOW = datetime.datetime(2026, 11, 27, 12, 3, 4)
BEGUN = UnderWay(
    "int4", NOW, ("benchmark", "each op's error"), False, NOW, NOW, "python make_report.py run"
)
LATER = dataclasses.replace(BEGUN, running="benchmark", to_come=(), written=NOW.replace(minute=9))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return store.load(copied(tmp_path / "run"))


def said(path: Path) -> str:
    return " ".join("".join(Outline(path.read_text(encoding="utf-8")).text).split())


def test_a_page_says_what_runs_and_what_is_to_come(run: Run) -> None:
    text = said(page.write(run, BEGUN))
    assert "Running: int4 since 12:03:04; the run started 12:03:04" in text
    assert "Still to come: benchmark; each op's error" in text
    assert "If this stays as it is, the run was killed: python make_report.py run" in text


def test_only_what_is_said_of_the_run_is_written_anew(run: Run) -> None:
    path = page.write(run, BEGUN)
    before = path.read_text(encoding="utf-8")
    page.write_band(run, dataclasses.replace(LATER, running=EVIL))
    after = path.read_text(encoding="utf-8")
    assert not Outline(after).open and "<img src=x" not in after
    assert "Running: int4" not in said(path) and "Still to come" not in said(path)
    assert before.partition("<header>")[2] == after.partition("<header>")[2]


def test_a_page_that_stays_is_left_alone(run: Run) -> None:
    path = page.write(run)
    before = path.read_bytes()
    page.write_band(run, LATER)
    assert path.read_bytes() == before and b'id="under-way"' not in before


def test_what_is_kept_makes_the_same_page(run: Run) -> None:
    path, kept = page.write(run), Kept()
    fresh = path.read_bytes()
    for _ in range(2):
        assert page.write(run, kept=kept).read_bytes() == fresh


def test_a_section_keeps_its_key_when_others_come_before_it(run: Run) -> None:
    both, *_ = list(run.results), run.results.reverse()
    text = page.write(run).read_text(encoding="utf-8")
    keys = {one.verdict.configuration: f'id="c{i}"' for i, one in enumerate(run.results[:2])}
    assert all(key in text for key in keys.values()) and len(both) == 3


FOLLOW = "document.getElementById('follow').click()"

STATE = """() => ({
  hash: location.hash, top: document.getElementById("c1").getBoundingClientRect().top,
  open: document.getElementById("c1").open, first: document.getElementById("c0").open,
  box: document.querySelector("#c1 .timeline").scrollLeft,
  checked: document.querySelector("#c1 .only").checked,
  focus: document.activeElement.textContent.trim().slice(0, 20),
  tag: document.activeElement.tagName,
  timed: document.getElementById("under-way") !== null })"""


def test_an_open_page_takes_in_what_is_new_and_keeps_the_place(browser: Any, run: Run) -> None:
    path = page.write(run, BEGUN)
    tab = opened(browser, path, width=700)
    tab.evaluate(FOLLOW)  # not yet
    tab.evaluate("location.hash = '#c1-timeline'")
    tab.evaluate("document.getElementById('c0').open = false")
    tab.locator("#c1 .only").check()
    tab.locator("#c1 .timeline").evaluate("box => { box.scrollLeft = 60; }")
    tab.evaluate("document.querySelectorAll('#c1 summary')[1].focus({preventScroll: true})")
    tab.evaluate("scrollBy(0, 150)")
    tab.wait_for_timeout(200)
    before = tab.evaluate(STATE)
    assert before["open"] and not before["first"] and before["checked"] and before["timed"]
    assert before["box"] > 0 and before["tag"] == "SUMMARY"

    tab.evaluate(FOLLOW)
    run.results[0].verdict.reason = "because " * 300  # the page grows above
    page.write(run, LATER)
    tab.get_by_text("Running: benchmark").wait_for(timeout=25_000)
    assert_same_place(tab, before)

    page.write(run)
    tab.locator("#under-way").wait_for(state="detached", timeout=25_000)
    assert_same_place(tab, {**before, "timed": False})
    same = marked(tab)
    tab.wait_for_timeout(4500)
    assert same.count() == 1, "a page that stays has no timer"
    assert not tab.complaints


def assert_same_place(tab: Any, before: dict[str, Any]) -> None:
    """It is once the page has laid itself out; it may just be loading itself again."""
    now: dict[str, Any] = {}
    for _ in range(60):
        with contextlib.suppress(Exception):  # playwright's own, of a page that is gone
            now = tab.evaluate(STATE)
            if abs(now["top"] - before["top"]) < 2 and {**now, "top": 0} == {**before, "top": 0}:
                return
        tab.wait_for_timeout(150)
    assert now == before


def test_nobody_is_disturbed(browser: Any, run: Run) -> None:
    """While a text is selected, or the person wants none, nothing is loaded."""
    tab = opened(browser, page.write(run, BEGUN))
    tab.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
    same = marked(tab)
    tab.wait_for_timeout(4500)
    assert same.count() == 1
    tab.locator("#follow").uncheck()
    tab.evaluate("getSelection().removeAllRanges()")
    tab.wait_for_timeout(3000)
    assert same.count() == 1
    tab.locator("#follow").check()
    same.wait_for(state="detached", timeout=15_000)


def marked(tab: Any) -> Any:
    """What is there for as long as the page was not loaded again."""
    tab.evaluate("document.body.dataset.same = ''")
    return tab.locator("body[data-same]")


def test_a_page_does_not_load_while_times_are_measured(browser: Any, run: Run) -> None:
    tab = opened(browser, page.write(run, dataclasses.replace(BEGUN, timed=True)))
    same = marked(tab)
    tab.wait_for_timeout(5000)
    assert same.count() == 1 and EVERY_WHILE_TIMED >= 30


def test_without_a_script_the_browser_loads_it_again(browser: Any, run: Run) -> None:
    path = page.write(run, BEGUN)
    context = browser.new_context(java_script_enabled=False, offline=True)
    tab = context.new_page()
    tab.goto(path.as_uri())
    page.write(run)
    tab.locator("#under-way").wait_for(state="detached", timeout=25_000)
