"""The page of a zoo, and its text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace
from support.pages import opened
from support.zoos import cell, rejected, works, zoo_of

from tvmq_diag.comparison import zoo_diff
from tvmq_diag.measurements.metrics import Metrics
from tvmq_diag.reports.pages import zoo as page
from tvmq_diag.reports.text import zoo as text
from tvmq_diag.reports.views import zoo as view
from tvmq_diag.results.verdict import WRONG
from tvmq_diag.results.zoo import Zoo, ZooCell

EVIL = "</script></style><script>alert(1)</script><img src=x onerror=alert(1)>'\"&{{7*7}}"


def pair() -> tuple[Zoo, Zoo]:
    """A baseline and a zoo: b is worse in int4, c has no result there."""
    before = [cell(m, made(c)) for m in "abc" for c, made in (("int8", works), ("int4", works))]
    now = [*before]
    now[3] = cell("b", rejected("int4"))
    now[5] = ZooCell(model="c", configuration="int4", tvm="relay", problem=f"lost {EVIL}")
    return zoo_of(before), zoo_of(now)


def order(tab: Any) -> list[str]:
    return [row.locator("th").inner_text() for row in tab.locator("table.zoo tbody tr").all()]


def test_heads_put_the_models_in_order_by_keyboard_too(tmp_path: Path, browser: Any) -> None:
    before, now = pair()
    tab = opened(browser, page.write(now, zoo_diff.compare(before, now), tmp_path))
    assert order(tab) == ["a", "b", "c"]
    head = tab.locator("table.zoo thead th").nth(3)
    head.locator("button").focus()
    tab.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending" and order(tab) == ["a", "b", "c"]
    tab.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending" and order(tab) == ["c", "b", "a"]
    tab.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") is None and order(tab) == ["a", "b", "c"]
    works = tab.locator("table.zoo thead th").nth(1)
    works.locator("button").click()
    assert order(tab) == ["b", "a", "c"]
    assert tab.complaints == []


def test_only_what_changed_can_be_shown(tmp_path: Path, browser: Any) -> None:
    before, now = pair()
    tab = opened(browser, page.write(now, zoo_diff.compare(before, now), tmp_path))
    tab.get_by_label("only what changed").check()
    shown = [row for row in tab.locator("table.zoo tbody tr").all() if row.is_visible()]
    assert [row.locator("th").inner_text() for row in shown] == ["b", "c"]


def test_what_became_worse_is_the_first_thing_said(tmp_path: Path) -> None:
    before, now = pair()
    html = page.render(now, zoo_diff.compare(before, now))
    heading = html.partition("<h1")[2].partition("</h1>")[0]
    assert "1 worse, 1 otherwise, of 5 compared" in heading
    assert 'href="cells/x/index.html#c0"' in html
    assert "<script>alert" not in html and "{{7*7}}" in html


def test_without_a_baseline_the_counts_are(tmp_path: Path) -> None:
    _, now = pair()
    html = page.render(now, None)
    heading = html.partition("<h1")[2].partition("</h1>")[0]
    assert "4 of 5 cells work, 1 rejected; 1 without a result" in heading
    assert "only what changed" not in html.partition("<script>")[0]
    assert "data-changed" not in html.partition("<script>")[0]


def test_the_text_says_it_with_marks() -> None:
    before, now = pair()
    said = list(text.lines(now, zoo_diff.compare(before, now)))
    assert said[0] == "against the baseline: 1 worse, 1 otherwise, of 5 compared"
    change = "▼ worse b in int4 on relay: works → rejected by QuantizeRealize at add #9"
    assert " ".join(said[1].split()) == change
    assert any(line.split() == ["b", "✓", "✗"] for line in said)
    assert any(line.split() == ["c", "✓", "?"] for line in said)


def test_while_it_is_under_way_nothing_is_good_yet() -> None:
    before = zoo_of([cell("a", works("int4")), cell("b", works("int4"))])
    now = zoo_of([cell("a", works("int4"))])
    now.models = ["a", "b"]
    html = page.render(now, zoo_diff.compare(before, now))
    heading = html.partition("<h1")[2].partition("</h1>")[0]
    assert "nothing changed, of 1 compared; 1 not run" in heading
    assert 'class="muted"' in heading and "✓" not in heading


def test_a_wrong_cell_says_its_top_1_too() -> None:
    metrics = replace(works("int4").metrics or Metrics(), top1_agree=0.0625)
    wrong = replace(works("int4"), outcome=WRONG, metrics=metrics)
    (row,) = view.rows(zoo_of([cell("a", wrong)]), None)
    assert row.cells[0].entries[0].detail == "cosine 0.990, top-1 6.2 %"
