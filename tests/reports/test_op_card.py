"""One op followed through a compile, and the search, in a browser: what one sees and can do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.pages import CONTRAST, EVIL, opened
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


def shown(browser: Any, path: Path, address: str, width: int = 1280, scheme: str = "light") -> Any:
    tab = opened(browser, path, width, scheme)
    tab.goto(f"{path.as_uri()}{address}")
    tab.wait_for_selector(READY)
    tab.wait_for_selector("#op-card header")
    return tab


def fact(tab: Any, name: str) -> str:
    line = tab.locator("#op-card dl > div", has=tab.locator("dt", has_text=name))
    return " ".join(str(line.locator("dd").text_content()).split())


def test_the_refused_op_says_so_and_what_it_would_compute_in(tiny: Path, browser: Any) -> None:
    tab = shown(browser, tiny, REFUSED)
    assert "unknown data type int4" in tab.text_content("#op-card .refusal")
    assert fact(tab, "Taken alone") == "✗ rejected: unknown data type int4"
    assert fact(tab, "Not known") == "its error; the time of its kernel"
    current = tab.locator("#op-card [aria-current]")
    assert current.count() == 1
    assert "QuantizeRealize failed at this op" in current.text_content()


def test_a_convolution_is_followed_from_the_model_to_its_kernel(tiny: Path, browser: Any) -> None:
    tab = shown(browser, tiny, "#int8/int8/int32/QuantizeRealize/0")
    place = tab.evaluate(
        """() => { const one = store.compiles[0];
        const module = one.module(one.steps.find((s) => s.name === "QuantizeRealize").index);
        const is = ({ op, makes }) => op === "nn.conv2d" && makes.startsWith("int32");
        return module.rows.findIndex((row) => is(one.row(row))); }"""
    )
    tab.goto(f"{tiny.as_uri()}#int8/int8/int32/QuantizeRealize/{place}")
    tab.wait_for_selector(f"#op-card :text('op %{place} behind QuantizeRealize')")
    passes = [text.strip() for text in tab.locator(".life .pass").all_text_contents()]
    assert (
        passes[0] == "the model" and "QuantizeAnnotate" in passes and passes[-1].startswith("Lower")
    )
    life = tab.text_content(".life")
    assert "as int8, int8" in life and "nn.contrib_conv2d_NCHWc" in life and "call_lowered" in life
    assert "dB alone" in fact(tab, "Error")
    assert "ms in tvmgen_default_fused_nn_contrib_conv2d_NCHWc" in fact(tab, "Time")
    assert "bytes, hash" in fact(tab, "Weights") and "by way of" in fact(tab, "Weights")
    assert "QuantizeRealize" in tab.locator(".life [aria-current] .pass").text_content()


def test_producers_and_the_same_op_elsewhere_are_links(tiny: Path, browser: Any) -> None:
    tab = shown(browser, tiny, "#int4/QuantizeRealize/8")
    before = tab.text_content("#op-card h3")
    tab.locator("#op-card dl a").first.click()
    tab.wait_for_function(
        "(old) => document.querySelector('#op-card h3').textContent !== old", arg=before
    )
    tab.goto(f"{tiny.as_uri()}#int4/QuantizeRealize/8")
    tab.wait_for_selector("#op-card :text('op %8 given to QuantizeRealize')")
    tab.locator("#op-card .others a").first.click()
    tab.wait_for_selector("#op-card :text('int8/int8/int32')")
    assert tab.evaluate("location.hash").startswith("#int8/int8/int32/QuantizeRealize/")
    assert tab.complaints == []


def test_the_link_can_be_copied_where_the_clipboard_is_not_allowed(
    tiny: Path, browser: Any
) -> None:
    tab = shown(browser, tiny, REFUSED)
    tab.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    tab.get_by_role("button", name="Copy link").click()
    field = tab.locator("#op-card input")
    assert field.is_visible() and field.input_value() == f"{tiny.as_uri()}{REFUSED}"
    assert tab.evaluate("document.getSelection().toString()") == field.input_value()
    assert "by hand" in tab.text_content("#op-card output")


def test_every_link_of_the_page_leads_to_a_part_of_it_or_an_op(tiny: Path, browser: Any) -> None:
    tab = shown(browser, tiny, REFUSED)
    dead, ops = tab.evaluate(
        """() => { const dead = [], start = location.hash; let ops = 0;
        for (const link of document.querySelectorAll("a[href^='#']")) {
          const address = link.getAttribute("href");
          if (document.getElementById(decodeURIComponent(address.slice(1)))) continue;
          history.replaceState(null, "", address);
          const at = place.here(store.compiles), found = at && at.step !== null;
          const module = found && at.compile.module(at.step);
          if (!found || (at.op !== null && !(module && at.op < module.lines.length)))
            dead.push(address);
          ops += at && at.op !== null ? 1 : 0;
        }
        history.replaceState(null, "", start);
        return [dead, ops]; }"""
    )
    assert dead == [] and ops > 200


def test_the_headline_and_the_tables_lead_to_the_op(tiny: Path, browser: Any) -> None:
    tab = shown(browser, tiny, "#int8/int8/int32/QuantizeRealize/0")
    for link in (".sweep a[href*='QuantizeRealize/']", "section[aria-labelledby$=-map] td a"):
        tab.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        tab.locator(link).first.click()
        tab.wait_for_selector("#op-card .refusal")
        assert tab.evaluate("location.hash") == REFUSED
        tab.goto(f"{tiny.as_uri()}#int8/int8/int32/QuantizeRealize/0")
        tab.wait_for_selector("#op-card :text('op %0 behind')")


TABLE = "section[aria-labelledby$=-numbers] tbody th a"


def test_an_op_in_a_measured_table_leads_to_the_same_op(tiny: Path, browser: Any) -> None:
    tab = shown(browser, tiny, REFUSED)
    wrong = tab.evaluate(
        """(links) => { const wrong = [], start = location.hash;
        const all = document.querySelectorAll(links);
        for (const link of all) {
          history.replaceState(null, "", link.getAttribute("href"));
          const { compile, step, op } = place.here(store.compiles);
          const row = compile.row(compile.module(step).rows[op]);
          if (row.op !== link.textContent) wrong.push([link.textContent, row.op]);
        }
        history.replaceState(null, "", start);
        return [wrong, all.length]; }""",
        TABLE,
    )
    assert wrong[0] == [] and wrong[1] > 5


# The search


def looked_for(tab: Any, text: str) -> list[str]:
    tab.locator("#search").fill(text)
    return [
        " ".join(item.split()) for item in tab.locator("#search-results li").all_text_contents()
    ]


def test_slash_leads_into_the_search_arrows_through_it_and_escape_out(
    tiny: Path, browser: Any
) -> None:
    tab = shown(browser, tiny, REFUSED)
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.id") == "search"
    tab.keyboard.type("conv2d dtype:int4")
    assert tab.locator("#search-results").is_visible()
    assert tab.text_content("[role=status]").endswith("results")
    tab.keyboard.press("ArrowDown")
    first = tab.evaluate("document.activeElement.getAttribute('href')")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowUp")
    assert tab.evaluate("document.activeElement.getAttribute('href')") == first
    tab.keyboard.press("Enter")
    tab.wait_for_function("(address) => location.hash === address", arg=first)
    assert tab.locator("#search-results").is_hidden()
    assert "conv2d" in tab.text_content("#op-card h3")
    tab.keyboard.press("/")
    tab.keyboard.press("Escape")
    assert tab.evaluate("document.activeElement.id") != "search"


def test_what_is_found_is_what_was_looked_for(tiny: Path, browser: Any) -> None:
    tab = shown(browser, tiny, REFUSED)
    found = looked_for(tab, "conv2d dtype:int4")
    assert found and all("conv2d" in one and "as int4" in one and "in int4" in one for one in found)
    assert tab.locator("#search-results mark").first.text_content() in ("conv2d", "int4")
    assert all("int8/int8/int32" in one for one in looked_for(tab, "conv2d in:int8 dtype:int32"))
    refused = looked_for(tab, "is:refused in:int4")
    assert any("✗ refused" in one for one in refused) and any("rejected" in one for one in refused)
    assert all(
        "QuantizeRealize" in one for one in looked_for(tab, "pass:realize is:added op:round")
    )
    assert "unknown data type int4" in looked_for(tab, '"unknown data type"')[0]
    assert looked_for(tab, "pass:quantizeannotate op:simulated dtype:int4")
    assert looked_for(tab, "no such thing at all") == []
    assert "Nothing" in tab.text_content("#search-results")


def test_no_more_is_shown_than_one_can_read(tiny: Path, browser: Any) -> None:
    tab = shown(browser, tiny, REFUSED)
    assert len(looked_for(tab, "o")) <= 50
    assert " more" in tab.text_content("#search-results")


def test_hostile_texts_stay_texts(tiny: Path, browser: Any) -> None:
    tab = shown(browser, tiny, REFUSED)
    tab.evaluate(
        """(evil) => { const { compile: one, step, op } = place.here(store.compiles);
        const module = one.module(step), line = module.lines[op];
        const stands = `as ${evil} · ${evil}`, kernel = { number: 0, name: evil, ms: 1 };
        one._rows[module.rows[op]] = [evil, evil, [0, evil], [[evil, evil]], stands, evil];
        one.notes[line] = { fate: evil, why: evil, blame: evil, kernel };
        one.messages = [evil];
        opCard.render(document.getElementById("op-card"), one, step, op); }""",
        EVIL,
    )
    assert EVIL in tab.text_content("#op-card")
    assert EVIL in " ".join(looked_for(tab, "alert(1)"))
    assert tab.locator("#op-card img, #op-card script, #search-results img").count() == 0
    assert tab.complaints == [] and not [url for url in tab.asked if not url.startswith("file:")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_it_fits_and_can_be_read(tiny: Path, browser: Any, width: int, scheme: str) -> None:
    tab = shown(browser, tiny, REFUSED, width, scheme)
    looked_for(tab, "conv2d")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(CONTRAST) == []
