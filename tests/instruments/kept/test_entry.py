"""What is kept: made once, by whoever comes first, and never half."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT

from tvmq_diag.instruments.kept import entry
from tvmq_diag.instruments.kept.entry import KEPT, Entry


def text(folder: Path) -> str:
    return (folder / "text").read_text()


def write(value: str, folder: Path) -> None:
    (folder / "text").write_text(value)


def get(place: Entry, value: str) -> str:
    got = place.take_or_make(text, lambda: value, write)
    entry.saved()
    return got


def test_what_one_makes_the_next_takes(tmp_path: Path) -> None:
    place = Entry(tmp_path, "texts", "a")
    assert get(place, "first") == "first"
    assert get(place, "second") == "first"
    assert get(Entry(tmp_path, "texts", "b"), "second") == "second"


def test_what_cannot_be_made_is_not_kept_and_locks_nobody_out(tmp_path: Path) -> None:
    place = Entry(tmp_path, "texts", "a")

    def refuse() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        place.take_or_make(text, refuse, write)
    assert get(place, "now") == "now"


def test_what_cannot_be_read_is_made_anew(tmp_path: Path) -> None:
    place = Entry(tmp_path, "texts", "a")
    get(place, "first")
    (place.folder / "text").unlink()
    assert get(place, "second") == "second"
    assert get(place, "third") == "second"


def test_where_nothing_can_be_written_all_is_made(tmp_path: Path) -> None:
    (tmp_path / "texts").write_text("a file, where the folder would be")
    assert get(Entry(tmp_path, "texts", "a"), "made") == "made"


def test_half_of_it_is_nothing(tmp_path: Path) -> None:
    def die(value: str, folder: Path) -> None:
        write(value, folder)
        os._exit(1)

    place = Entry(tmp_path, "texts", "a")
    place.take_or_make(text, lambda: "half", die)
    entry.saved()
    assert not place.folder.exists()
    assert get(place, "whole") == "whole"


def test_the_oldest_go(tmp_path: Path) -> None:
    places = [Entry(tmp_path, "texts", str(number)) for number in range(KEPT + 2)]
    for age, place in enumerate(places):
        get(place, "x")
        os.utime(place.folder, (1e9 + age, 1e9 + age))
    get(Entry(tmp_path, "texts", "new"), "x")
    assert [place.folder.exists() for place in places] == [False] * 3 + [True] * (KEPT - 1)


MAKER = """
import sys, time
from pathlib import Path
from tvmq_diag.instruments.kept import entry
def make():
    print("made", flush=True)
    time.sleep(1)
    return "x"
place = entry.Entry(Path(sys.argv[1]), "texts", "a")
place.take_or_make(lambda folder: "x", make, lambda value, folder: (folder / value).touch())
entry.saved()
"""


def test_of_several_processes_one_makes_it(tmp_path: Path) -> None:
    program = [sys.executable, "-c", MAKER, str(tmp_path)]
    children = [
        subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(3)
    ]
    assert sorted(child.communicate(timeout=60)[0] for child in children) == ["", "", "made\n"]
