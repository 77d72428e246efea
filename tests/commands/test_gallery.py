"""Each bug in docs/gallery still gives the verdict that the gallery shows, on the real TVM."""

from __future__ import annotations

import re
import runpy
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from support.paths import ROOT

from tvmq_diag.toolchains.toolchain import Toolchain

SCRIPT = runpy.run_path(str(ROOT / "scripts" / "gallery.py"))
GALLERY: Path = SCRIPT["GALLERY"]
README = (GALLERY / "README.md").read_text(encoding="utf-8")
CASES: dict[str, tuple[str, str]] = SCRIPT["cases"](README)
FUNCTIONS = set(re.findall(r"^def ([a-z]\w*)", (GALLERY / "cases.py").read_text(), flags=re.M))


@pytest.fixture(scope="module")
def outputs(relay: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Future[str]]:
    """What each case prints now; two run at a time."""
    folder = tmp_path_factory.mktemp("gallery")
    with ThreadPoolExecutor(2) as pool:
        return {
            name: pool.submit(SCRIPT["run"], command, folder / name)
            for name, (command, _) in CASES.items()
        }


def verdict(said: str) -> str:
    """The first sentence, over as many lines as it takes; figures may differ between processors."""
    lines = said.splitlines()
    rows = [i for i, line in enumerate(lines) if i and re.match(r"  \S|configuration ", line)]
    return re.sub(r"\d+\.\d+", "#", " ".join(lines[: rows[0]]))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_case_gives_the_verdict_that_is_shown(outputs: dict[str, Future[str]], name: str) -> None:
    assert verdict(outputs[name].result()) == verdict(CASES[name][1])


def test_every_case_is_a_function_and_has_a_report() -> None:
    assert CASES.keys() == FUNCTIONS
    for name, (command, _) in CASES.items():
        assert f":{name} " in command and f"({name}/index.html)" in README
        assert (GALLERY / name / "index.html").is_file()
    assert {path.name for path in GALLERY.iterdir() if path.is_dir()} - {"__pycache__"} == FUNCTIONS


def test_links_lead_somewhere() -> None:
    for page in GALLERY.glob("*/index.html"):
        links = re.findall(r'href="([^"#:]+)"', page.read_text(encoding="utf-8"))
        assert all((page.parent / link).is_file() for link in links), page
    named = re.findall(r"`(before_fix_\w+\.diff)`", README)
    assert named and all((ROOT / "tests" / "patches" / name).is_file() for name in named)


def test_nothing_names_the_machine_it_was_made_on() -> None:
    for path in (path for path in GALLERY.rglob("*") if path.suffix in (".html", ".txt", ".md")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"/(root|tmp|home|work|Users|var)/", text), path


def test_it_stays_small() -> None:
    sizes = {path: path.stat().st_size for path in GALLERY.rglob("*") if path.is_file()}
    assert max(sizes.values()) < 400e3 and sum(sizes.values()) < 3e6
