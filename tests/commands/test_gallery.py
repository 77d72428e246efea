"""Bugs in docs/gallery still give the verdicts that it shows, on the real TVM: one of each pass.

The others are run by `scripts/gallery.py`, which writes what they come to into the gallery.
"""

from __future__ import annotations

import json
import re
import runpy
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.paths import ROOT

from tvmq_diag.toolchains.toolchain import Toolchain

SCRIPT = runpy.run_path(str(ROOT / "scripts" / "gallery.py"))
GALLERY: Path = SCRIPT["GALLERY"]
README = (GALLERY / "README.md").read_text(encoding="utf-8")
CASES: dict[str, tuple[str, str]] = SCRIPT["cases"](README)
INDEX: dict[str, dict[str, Any]] = json.loads((GALLERY / "index.json").read_text())
SAMPLE = {INDEX[name]["pass"]: name for name in reversed(CASES)}
"""The first case of each pass."""
ON_RELAX = ("hard_swish", "conditional")


def functions(module: str) -> set[str]:
    return set(re.findall(r"^def ([a-z]\w*)", (GALLERY / module).read_text(), flags=re.M))


@pytest.fixture(scope="module")
def outputs(relay: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Future[str]]:
    """What the cases print now; two run at a time."""
    folder = tmp_path_factory.mktemp("gallery")
    with ThreadPoolExecutor(2) as pool:
        return {
            name: pool.submit(SCRIPT["run"], CASES[name][0], folder / name)
            for name in SAMPLE.values()
        }


def verdict(said: str) -> str:
    """The first sentence, over as many lines as it takes; figures may differ between processors."""
    lines = said.splitlines()
    rows = [i for i, line in enumerate(lines) if i and re.match(r"  \S|configuration ", line)]
    return re.sub(r"\d+\.\d+", "#", " ".join(lines[: rows[0]]))


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE.values())
def test_a_case_gives_the_verdict_that_is_shown(outputs: dict[str, Future[str]], name: str) -> None:
    assert verdict(outputs[name].result()) == verdict(CASES[name][1])


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_RELAX)
def test_a_counterpart_on_relax_comes_to_what_the_index_says(
    relax: Toolchain, name: str, tmp_path: Path
) -> None:
    assert SCRIPT["on_relax"](name, CASES[name][0], tmp_path / "o") == INDEX[name]["relax"]


def test_every_case_is_a_function_and_has_a_report_and_a_counterpart() -> None:
    named = functions("cases.py")
    assert list(CASES) and CASES.keys() == INDEX.keys() == named
    assert functions("relax_cases.py") | SCRIPT["_not_applicable"]().keys() == named
    for name, (command, _) in CASES.items():
        assert f":{name} " in command and f"({name}/index.html)" in README
        assert (GALLERY / name / "index.html").is_file()
        assert INDEX[name]["relax"] != "not tried"
    assert {path.name for path in GALLERY.iterdir() if path.is_dir()} - {"__pycache__"} == named


def test_the_index_is_what_was_measured() -> None:
    assert f"<!-- index -->\n{SCRIPT['index'](README, INDEX)}<!-- end of index -->" in README


def test_a_case_on_relax_has_its_dtype_its_bits_and_its_processor() -> None:
    command = (
        "python scripts/trace_quantize.py --model py:docs/gallery/cases.py:one \\\n"
        "  --dtype int8/int8/int32:weight_scale=max:nbit=4 --opt-level 2 --mcpu x86-64-v3 "
        "--out runs/one\npython scripts/bisect_result.py runs/one/traces/x\n"
    )
    assert SCRIPT["relax_options"](command) == [
        "--tvm", "relax", "--model", "py:docs/gallery/relax_cases.py:one",
        "--dtype", "int8/int8/int32:pipeline=default:nbit=4", "--no-reference",
        "--mcpu", "x86-64-v3",
    ]  # fmt: skip
    assert "--out" not in SCRIPT["options"](command)


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
    assert max(sizes.values()) < 400e3 and sum(sizes.values()) < 5e6
