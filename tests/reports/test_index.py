"""The index over runs: only in a folder of ours, and whatever lies in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.runs import copied

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
