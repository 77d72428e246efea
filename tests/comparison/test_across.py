"""Several runs in the order of their time, each against the one before it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.pages import EVIL, Outline
from support.runs import TINY

from tvmq_diag.commands import cli
from tvmq_diag.commands import compare as command
from tvmq_diag.comparison import across
from tvmq_diag.comparison.figures import Tolerances
from tvmq_diag.errors import UsageError
from tvmq_diag.reports.pages import across as page
from tvmq_diag.reports.pages import index
from tvmq_diag.reports.text import across as text


def run(folder: Path, day: int, **first: Any) -> Path:
    """The tiny run as if of that day; `first` are fields of its first verdict."""
    shutil.copytree(TINY, folder)
    facts = json.loads((folder / "run.json").read_text())
    facts["created"] = f"2026-11-{day:02d}T10:00:00+00:00"
    (folder / "run.json").write_text(json.dumps(facts))
    verdicts = json.loads((folder / "verdict.json").read_text())
    verdicts[0].update(first)
    (folder / "verdict.json").write_text(json.dumps(verdicts))
    return folder


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """Three runs, the newest first, and that one less exact."""
    worse = {"cosine": 0.93, "sqnr_db": 5.0, "max_abs_error": 9.0, "top1_agree": 1.0}
    (tmp_path / "runs").mkdir()
    return [
        run(tmp_path / "runs" / "newest", 25, metrics=worse),
        run(tmp_path / "runs" / "oldest", 23),
        run(tmp_path / "runs" / "between", 24),
    ]


def test_runs_stand_in_the_order_of_their_time(three: list[Path]) -> None:
    found = across.compare(three, Tolerances())
    assert [column.folder.name for column in found.columns] == ["oldest", "between", "newest"]
    first, second, third = found.rows["int8/int8/int32"]
    assert first.delta is None
    assert second.delta is not None and not second.delta.different
    assert third.delta is not None and third.delta.regressions == ["accuracy"]
    assert found.headline == "3 runs of tiny; worse is int8/int8/int32: accuracy in newest"


def test_an_hour_is_an_hour_in_every_time_zone(tmp_path: Path) -> None:
    folders = [run(tmp_path / name, 23) for name in ("a", "b", "c")]
    for folder, created in zip(
        folders, ("2026-11-23T10:00:00+00:00", "2026-11-23T11:00:00+02:00", "no time"), strict=True
    ):
        facts = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps({**facts, "created": created}))
    found = across.compare(folders, Tolerances())
    assert [column.folder.name for column in found.columns] == ["c", "b", "a"]


def test_a_configuration_that_one_of_them_has_not_tried_is_a_cell_without_a_result(
    three: list[Path],
) -> None:
    verdicts = json.loads((three[2] / "verdict.json").read_text())
    (three[2] / "verdict.json").write_text(json.dumps(verdicts[:1]))
    found = across.compare(three, Tolerances())
    cells = found.rows["int4"]
    assert [cell.result is None for cell in cells] == [False, True, False]
    assert "int4: missing in between" in found.regressions()
    assert "not tried  ✗ worse: missing" in text.text(found)


def test_the_command_writes_a_table_and_a_page_that_leads_on(
    three: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (three[1] / "index.html").write_text("x")
    out = three[0].parent / "all"
    assert cli.script(command, [*map(str, three), "--out", str(out)]) == 1
    told = capsys.readouterr().out
    assert told == (out / "comparison.txt").read_text()
    assert "  3 ✓ works  cosine 0.9300, SQNR 5.0 dB, same as float 100 %  ✗ worse: accuracy" in told
    assert f"tvmq-diag compare {three[2]} {three[0]}" in told
    outline = Outline((out / "index.html").read_text(encoding="utf-8"))
    assert [a.get("href") for tag, a in outline.elements if tag == "a"][1:] == [
        "../oldest/index.html"
    ]
    assert json.loads((out / "comparison.json").read_text())["regressions"] == [
        "int8/int8/int32: accuracy in newest"
    ]
    assert "worse is int8/int8/int32" in index.write(three[0].parent).read_text(encoding="utf-8")
    assert cli.script(command, [*map(str, three), "--text", "--allow", "accuracy"]) == 0


def test_traces_stand_as_they_are_given_in_one_row() -> None:
    names = ["int4", "int8_int8_int32", "int4"]
    found = across.compare([TINY / "traces" / name for name in names], Tolerances())
    ((name, cells),) = found.rows.items()
    assert name == "int4 -> int8/int8/int32"
    outcomes = [cell.result.verdict.outcome for cell in cells if cell.result]
    assert outcomes == ["rejected", "works", "rejected"]
    assert found.headline.startswith("3 traces; worse is int8/int8/int32 -> int4: regressed")


def test_runs_and_traces_are_not_compared(three: list[Path]) -> None:
    with pytest.raises(UsageError, match="int4 is no run"):
        across.compare([*three, TINY / "traces" / "int4"], Tolerances())


def test_the_page_escapes_what_comes_from_a_run(tmp_path: Path) -> None:
    folders = [run(tmp_path / f"{n} <b>", 20 + n, **{"pass": EVIL}) for n in range(3)]
    written = page.write(across.compare(folders, Tolerances()), {"command": EVIL}, tmp_path)
    outline = Outline(written.read_text(encoding="utf-8"))
    assert not outline.open and outline.count("script") == 1 and outline.count("img") == 0
