"""The site: built strictly, whole without a network, searched from a folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.pages import browser, opened
from support.paths import ROOT

from tvmq_diag.commands import cli

__all__ = ["browser"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as CI does."""
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


def test_each_command_is_there_with_its_options(site: Path) -> None:
    page = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    for name in cli.COMMANDS:
        assert f'id="{name}"' in page
    assert "--quantize-opt-level" in page and "%(prog)s" not in page


def test_the_api_is_there_from_its_docstrings(site: Path) -> None:
    page = (site / "reference" / "python.html").read_text(encoding="utf-8")
    for name in ("load", "compare", "Run", "Trace", "Verdict", "QuantizeTrace"):
        assert re.search(rf'id="tvmq_diag\.[\w.]*{name}"', page), name
    assert "Nothing is started and no TVM is needed" in page


def test_the_patches_of_the_gallery_are_there(site: Path) -> None:
    page = (site / "gallery" / "index.html").read_text(encoding="utf-8")
    diffs = re.findall(r'href="(patches/\w+\.diff)"', page)
    assert diffs and all((site / "gallery" / diff).is_file() for diff in diffs)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_pages_open_without_a_network(browser: Any, site: Path, width: int, scheme: str) -> None:
    for name in ("index", "tutorial", "how-to/patch", "reference/commands", "reference/python"):
        tab = opened(browser, site / f"{name}.html", width, scheme)
        tab.wait_for_load_state()
        assert tab.complaints == [], name
        assert all(url.startswith(("file:", "data:", "blob:")) for url in tab.asked), name
        scrolled = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert tab.evaluate(scrolled) <= 0, name
        tab.context.close()


def test_the_search_finds_from_a_folder(browser: Any, site: Path) -> None:
    tab = opened(browser, site / "index.html")
    tab.keyboard.press("/")
    tab.keyboard.type("baseline junit")
    first = tab.locator(".md-search-result__link").first
    first.wait_for()
    assert "how-to/ci.html" in first.get_attribute("href")
    tab.context.close()
