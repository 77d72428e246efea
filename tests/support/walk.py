"""A walk through a page by keyboard alone, or by mouse: from the verdict to the pass, the op, its
scale and dtype at each step, what it reads, the same op at int8, and a link to what one sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .pages import opened

READY = "#viewer-parts:not([hidden])"
CARD = "#viewer-card"
SHOWN = """() => {
  const op = /\\/(\\d+)$/.exec(location.hash);
  const row = document.querySelector("#viewer-list [aria-selected='true'] .v-at");
  return !op || (row && row.textContent === `%${op[1]}`);
}"""
"""Is the op of the address the one that is selected?"""

DRAWN = """() => new Promise(done =>
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))"""

MOST = 400
"""So many stops a keyboard makes at most on its way to something."""


class Walk:
    """A walk over the page of a run that was rejected at an op of QuantizeRealize."""

    def __init__(self, browser: Any, page: Path, keyboard: bool) -> None:
        self.browser, self.page, self.keyboard = browser, page, keyboard
        self.tab = opened(browser, page)
        self.tab.wait_for_selector(READY)

    def take(self, where: str) -> None:
        """Follow the first link, or press the first button, that is there."""
        if self.keyboard:
            self.reach(where)
            self.tab.keyboard.press("Enter")
        else:
            self.tab.locator(where).first.click()

    def reach(self, where: str) -> None:
        """By Tab alone."""
        for _ in range(MOST):
            if self.tab.evaluate("(where) => document.activeElement.matches(where)", where):
                return
            self.tab.keyboard.press("Tab")
        raise AssertionError(f"no way to {where} by keyboard")

    def step(self, key: str) -> None:
        """To the next pass or the one before."""
        if self.keyboard:
            self.tab.keyboard.press(key)
        else:
            self.tab.click("#viewer-on" if key == "ArrowRight" else "#viewer-back")

    def at(self, address: str) -> None:
        """Wait until the page's address is that; `*` stands for anything."""
        begins = address.removesuffix("*")
        test = "startsWith" if begins != address else "endsWith"
        self.tab.wait_for_function(f"(begins) => location.hash.{test}(begins)", arg=begins)
        self.tab.wait_for_function(SHOWN)
        self.tab.evaluate(DRAWN)  # the card comes after the row

    def card(self) -> str:
        """All that the op's card says."""
        return " ".join(str(self.tab.text_content(CARD)).split())

    def selected(self) -> str:
        """The row of the op that is selected."""
        return " ".join(str(self.tab.text_content('#viewer-list [aria-selected="true"]')).split())

    def all_of_it(self, pass_name: str, op: int, name: str) -> str:
        """The walk; returns the link that it ends with."""
        # The verdict names the pass and the op, each of which is a link.
        self.take(f".sweep a[href$='/{pass_name}']")
        self.at(f"#int4/{pass_name}")
        assert self.tab.text_content("#viewer-pass").endswith(pass_name)
        self.tab.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        self.take(f".sweep a[href$='/{pass_name}/{op}']")
        self.at(f"#int4/{pass_name}/{op}")
        told = f"document.querySelector('{CARD}').textContent.includes('rejected here')"
        self.tab.wait_for_function(told)
        assert f"%{op} {name}" in self.card()
        # Its scale and dtype at each step: what is calibrated has no scale before.
        scaled = name == "simulated_quantize"
        for key, where in (("", pass_name), ("ArrowLeft", "QuantizeCalibrate")):
            if key:
                self.step(key)
            self.at(f"#int4/{where}/*")
            assert ("as int4 · [-127, 127] · 0." if scaled else "as int4") in self.selected()
        self.step("ArrowLeft")
        self.at("#int4/QuantizeAnnotate/*")
        assert "as int4" in self.selected() and "as int4 ·" not in self.selected()
        self.step("ArrowRight")
        self.step("ArrowRight")
        self.at(f"#int4/{pass_name}/{op}")
        # What it reads, and back.
        self.take(f"{CARD} .c-facts a")
        self.at(f"#int4/{pass_name}/*")
        producer = self.selected()
        assert not producer.startswith(f"✗ %{op} ")
        if self.keyboard:
            self.reach("#viewer-list")
            self.tab.keyboard.press("Shift+Enter")
        else:
            self.tab.go_back()
        self.at(f"#int4/{pass_name}/{op}")
        # The same op at int8.
        self.take(f"{CARD} a[href^='#int8/int8/int32/']")
        self.at("#int8/int8/int32/*")
        assert "as int8" in self.selected() or "int32" in self.selected(), self.selected()
        return self.link()

    def link(self) -> str:
        """What the button copies; opened elsewhere, it shows the same."""
        seen = self.selected(), self.tab.text_content("#viewer-pass")
        self.tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.take(f"{CARD} .c-share button")
        self.tab.wait_for_selector(f"{CARD} .c-share :text('copied')")
        sent = str(self.tab.evaluate("navigator.clipboard.readText()"))
        other = opened(self.browser, self.page)
        other.goto(sent)
        other.wait_for_selector(f"{READY} [aria-selected='true']")
        there = " ".join(str(other.text_content('#viewer-list [aria-selected="true"]')).split())
        assert (there, other.text_content("#viewer-pass")) == seen
        return sent
