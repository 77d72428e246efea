"""The index over runs: only in a folder of ours, and whatever lies in it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.pages import Outline, opened
from support.runs import copied

from tvmq_diag.commands import compare
from tvmq_diag.comparison import run_diff
from tvmq_diag.reports.pages import index


def test_a_folder_of_somebodys_own_gets_no_index(tmp_path: Path) -> None:
    copied(tmp_path / "mine")
    assert index.update(tmp_path) is None
    assert not (tmp_path / "index.html").exists()


@pytest.mark.parametrize("name", ["runs", "site"])
def test_a_page_of_somebodys_own_stays(tmp_path: Path, name: str) -> None:
    copied(tmp_path / name / "mine")
    page = tmp_path / name / "index.html"
    page.write_text("<title>my page</title>")
    assert index.update(tmp_path / name) is None
    assert page.read_text() == "<title>my page</title>"


def test_a_link_to_somebodys_page_stays(tmp_path: Path) -> None:
    copied(tmp_path / "runs" / "mine")
    (tmp_path / "own.html").write_text(f"<title>{index.TITLE}</title>")
    (tmp_path / "runs" / "index.html").symlink_to(tmp_path / "own.html")
    assert index.update(tmp_path / "runs") is None


def test_runs_get_one_and_so_does_a_folder_that_has_one(tmp_path: Path) -> None:
    copied(tmp_path / "runs" / "mine")
    assert index.update(tmp_path / "runs") is not None
    (tmp_path / "runs").rename(tmp_path / "kept")
    copied(tmp_path / "kept" / "another")
    page = index.update(tmp_path / "kept")
    assert page is not None and "another" in page.read_text(encoding="utf-8")


def test_a_bad_neighbour_is_named_and_the_others_are_listed(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    copied(runs / "mine")
    (copied(runs / "deep") / "verdict.json").write_text("[" * 100_000)
    copied(runs / "odd").rename(os.fsdecode(os.fsencode(runs) + b"/\xff\xfe"))
    (copied(runs / "pipe") / "verdict.json").unlink()
    os.mkfifo(runs / "pipe" / "verdict.json")
    (copied(runs / "link") / "run.json").unlink()
    (runs / "link" / "run.json").symlink_to("/etc/passwd")
    text = index.write(runs).read_text(encoding="utf-8")
    assert ">mine " in text and ">�� " in text
    damaged = text[text.index("Runs that cannot be read") :]
    assert all(f"<li>{name}: " in damaged for name in ("deep", "pipe", "link"))
    assert "root:" not in text


def changed(folder: Path, created: str, **figures: object) -> Path:
    """A copy of the run that was made then, with other figures of int8/int8/int32."""
    copied(folder)
    facts = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**facts, "created": created}))
    verdicts = json.loads((folder / "verdict.json").read_text())
    verdicts[0].update(figures)
    (folder / "verdict.json").write_text(json.dumps(verdicts))
    return folder


def figures(cosine: float | None, **others: object) -> dict[str, object]:
    """Metrics as verdict.json holds them."""
    same = {"sqnr_db": 20.0, "max_abs_error": 0.1, "top1_agree": None}
    return {"cosine": cosine, **same, **others}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three runs, of which `b` is the oldest and `a` the newest."""
    runs = tmp_path / "runs"
    ratio = {"value": 1.5, "low": 1.0, "high": 2.0}
    changed(runs / "a", "2026-11-03", metrics=figures(0.9), outcome="wrong")
    changed(runs / "b", "2026-11-01", metrics=figures(0.99), ratio=ratio)
    changed(runs / "c", "2026-11-02", metrics=figures(0.98), ratio={**ratio, "value": 1.25})
    return runs


def test_a_configuration_is_followed_over_the_runs(runs: Path) -> None:
    outline = Outline(index.write(runs).read_text(encoding="utf-8"))
    said = " ".join("".join(outline.text).split())
    assert "2 configurations in two runs or more" in said
    assert "works 2 times, wrong" in said and "rejected 3 times" in said
    labels = [at["aria-label"] for name, at in outline.elements if name == "svg"]
    assert labels == [
        "cosine, run by run: 0.990, 0.980, 0.900",
        "time to float, run by run: 1.50, 1.25, none",
    ]


def test_one_run_is_no_trend(tmp_path: Path) -> None:
    copied(tmp_path / "runs" / "one")
    assert "Over time" not in index.write(tmp_path / "runs").read_text(encoding="utf-8")


def test_figures_of_a_damaged_run_do_not_end_the_list(runs: Path) -> None:
    nothing = {"same": 0, "of": 0}
    changed(runs / "d", "2026-11-04", metrics=figures(None, agreement=nothing), ratio=7)
    changed(runs / "e", "2026-11-05", metrics=figures(1e308), ratio={"value": -1e308})
    text = index.write(runs).read_text(encoding="utf-8")
    assert 'data-run="d"' in text and 'data-run="e"' in text


def test_runs_are_found_ordered_and_compared(browser: Any, runs: Path) -> None:
    changed(runs / "other one", "2026-11-04", outcome="crashed")
    compare.write(
        run_diff.compare(runs / "b", runs / "a"),
        {"before": str(runs / "b"), "now": str(runs / "a")},
        runs / "of-b-and-a",
    )
    tab = opened(browser, index.write(runs))

    def shown() -> list[str]:
        names: list[str] = tab.locator("#runs tbody:visible").evaluate_all(
            "all => all.map(one => one.dataset.run)"
        )
        return names

    assert shown() == ["of-b-and-a", "other one", "a", "c", "b"]
    tab.locator("[name=outcome]").select_option("wrong")
    assert shown() == ["a"] and tab.inner_text("#found") == "1 of 5 runs"
    tab.reload()
    assert shown() == ["a"]  # by the address
    tab.locator("[name=outcome]").select_option("")
    tab.locator("[name=order]").select_option("oldest")
    assert shown()[0] == "b"
    tab.locator("[name=order]").select_option("outcome")
    assert shown() == ["other one", "c", "b", "a", "of-b-and-a"]
    tab.fill("[name=q]", "int4 2026-11-02")
    assert shown() == ["c"]
    tab.fill("[name=q]", "")

    tab.get_by_label("compare a", exact=True).check()
    assert "pick another" in tab.inner_text("#pair")
    tab.get_by_label("compare other one").check()
    assert tab.inner_text("#pair code") == (
        f"python scripts/compare_traces.py {runs}/a '{runs}/other one'"
    )
    assert tab.locator("#pair a").count() == 0
    tab.get_by_label("compare other one").uncheck()
    tab.get_by_label("compare b", exact=True).check()
    assert "scripts/compare_traces.py" in tab.inner_text("#pair")
    tab.locator("#pair a").click()
    assert "of-b-and-a/index.html" in tab.url and not tab.complaints


def test_without_a_script_it_is_a_table(browser: Any, runs: Path) -> None:
    page = index.write(runs)
    context = browser.new_context(java_script_enabled=False, offline=True)
    tab = context.new_page()
    tab.goto(page.as_uri())
    assert not tab.locator("#find").is_visible() and tab.locator("#runs tbody").count() == 3
