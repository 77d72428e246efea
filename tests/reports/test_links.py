"""Every op and pass that a page names leads to where its viewer shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.pages import opened
from support.runs import MEASURED, TINY

from tvmq_diag.reports.pages import run as page
from tvmq_diag.results import store

READY = "#viewer-parts:not([hidden])"
REFUSED = "#int4/QuantizeRealize/11"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a recorded run, with what another run of the same model measured."""
    run, measured = store.load(TINY), store.load(MEASURED)
    run.benchmark = measured.benchmark
    numerics = next(r.numerics for r in measured.results if r.numerics is not None)
    next(r for r in run.results if r.verdict.configuration != "int4").numerics = numerics
    run.directory = tmp_path_factory.mktemp("tiny")
    return page.write(run)


def ready(browser: Any, path: Path) -> Any:
    tab = opened(browser, path)
    tab.wait_for_selector(READY)
    tab.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    return tab


def test_every_link_leads_to_a_part_of_the_page_or_an_op(tiny: Path, browser: Any) -> None:
    dead, ops = ready(browser, tiny).evaluate(
        """async () => { const compiles = await store.load(), dead = []; let ops = 0;
        for (const link of document.querySelectorAll("a[href^='#']")) {
          const address = link.getAttribute("href");
          if (document.getElementById(decodeURIComponent(address.slice(1)))) continue;
          const at = place.at(address, compiles), found = at && at.step !== null;
          const module = found && at.compile.module(at.step);
          if (!found || (at.op !== null && !(module && at.op < module.lines.length)))
            dead.push(address);
          ops += at && at.op !== null ? 1 : 0;
        }
        return [dead, ops]; }"""
    )
    assert dead == [] and ops > 150


@pytest.mark.parametrize(
    "link",
    [
        "h1 a, .sweep a[href*='QuantizeRealize/']",
        ".card dd a[href*='QuantizeRealize/']",
        "section:has(> h3[id$=-map]) td a",
        "pre.ir mark a",
    ],
)
def test_the_refused_op_is_a_click_away(tiny: Path, browser: Any, link: str) -> None:
    tab = ready(browser, tiny)
    tab.locator(link).first.click()
    tab.wait_for_function(f"location.hash === '{REFUSED}'")
    tab.locator("#viewer-card h4", has_text="%11 add").wait_for()


@pytest.mark.parametrize("table", ["numbers", "coverage", "ir"])
def test_an_op_in_a_table_leads_to_the_same_op(tiny: Path, browser: Any, table: str) -> None:
    where = (
        "pre.ir a"
        if table == "ir"
        else f"section:has(> h3[id$=-{table}]) details:first-of-type tbody th a"
    )
    wrong, all_ = ready(browser, tiny).evaluate(
        """async (links) => { const compiles = await store.load(), wrong = [];
        const all = document.querySelectorAll(links);
        for (const link of all) {
          const { compile, step, op } = place.at(link.getAttribute("href"), compiles);
          const row = compile.row(compile.module(step).rows[op]);
          const said = link.textContent.startsWith("%") ? link.nextSibling.data : link.textContent;
          if (!said.includes(row.op.replace(/\\(.*/, ""))) wrong.push([said, row.op]);
        }
        return [wrong, all.length]; }""",
        where,
    )
    assert wrong == [] and all_ > (0 if table == "coverage" else 5)


def test_a_kernel_leads_to_its_call(tiny: Path, browser: Any) -> None:
    tab = ready(browser, tiny)
    links = tab.locator(".kernels td a")
    assert links.count() > 10
    said = links.first.text_content()
    links.first.click()
    tab.wait_for_function("location.hash.length > 1")
    tab.locator("#viewer-card", has_text=said[:40]).wait_for()


def test_a_pass_leads_to_its_step(tiny: Path, browser: Any) -> None:
    tab = ready(browser, tiny)
    link = tab.locator(".passes th a", has_text="QuantizeAnnotate").first
    link.click()
    tab.wait_for_function("location.hash.endsWith('/QuantizeAnnotate')")
    tab.locator("#viewer-pass", has_text="QuantizeAnnotate").wait_for()
