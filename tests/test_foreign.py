"""What came from somebody else: texts that a terminal would obey, names that lead elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tvmq_diag import foreign
from tvmq_diag.decoding import Damage
from tvmq_diag.errors import UsageError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("conv\x1b[2J\x07", "conv�[2J�"),
        ("a\u202egnp.exe", "a�gnp.exe"),
        ("\ud800 half", "� half"),
        ("two\r\nlines\tand a tab", "two\nlines\tand a tab"),
        ("ResNet-50 ü 網", "ResNet-50 ü 網"),
    ],
)
def test_what_would_be_obeyed_is_replaced(text: str, shown: str) -> None:
    assert foreign.printable(text) == shown


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "own.txt").write_text("own")
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "inner").symlink_to("deep/own.txt")
    (folder / "circle").symlink_to("circle")
    (folder / "out").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../secret",
        "deep/../../secret",
        "link",
        "out/secret",
        "circle",
        "pipe",
        "deep",
        "",
        ".",
        "a\0b",
    ],
)
def test_no_name_leads_out_of_a_folder(run: Path, name: str) -> None:
    with pytest.raises((Damage, OSError)):
        foreign.read(run, name)


def test_what_is_inside_is_read_also_by_a_link(run: Path) -> None:
    assert foreign.read(run, "deep/own.txt") == foreign.read(run, "inner") == b"own"


def test_a_folder_that_is_itself_reached_by_a_link(run: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(run)
    assert foreign.read(tmp_path / "alias", "deep/own.txt") == b"own"


def test_links_that_lead_out_are_listed(run: Path) -> None:
    assert sorted(foreign.links_out(run)) == ["circle", "link", "out"]


def test_a_link_at_its_place_is_replaced_and_not_followed(run: Path, tmp_path: Path) -> None:
    foreign.write(run / "link", "page")
    assert (tmp_path / "secret").read_text() == "secret"
    assert not (run / "link").is_symlink() and (run / "link").read_text() == "page"


def test_nothing_is_written_through_a_folder_that_leads_out(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leads out of"):
        foreign.write(run / "out" / "page", "page", run)
    assert not (tmp_path / "page").exists()


def test_a_text_that_is_no_unicode_is_written_and_the_file_before_it_kept(tmp_path: Path) -> None:
    page = tmp_path / "page"
    foreign.write(page, "before")
    foreign.write(page, "half \ud800")
    assert page.read_text(encoding="utf-8") == "half �"
    with pytest.raises(AttributeError):
        foreign.write(page, None)  # type: ignore[arg-type]
    assert page.read_text(encoding="utf-8") == "half �"
    assert [path.name for path in tmp_path.iterdir()] == ["page"]
