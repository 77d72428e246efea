"""`tvmq-diag export`: where it writes, what it does not write over, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.runs import copied

from tvmq_diag.commands import cli
from tvmq_diag.reports.exports.formats import FORMATS


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return copied(tmp_path / "run")


def export(*arguments: str | Path) -> int:
    return cli.main(["export", *map(str, arguments)])


@pytest.mark.parametrize("to", FORMATS)
def test_each_goes_into_the_folder_of_the_run(
    run: Path, to: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(run, "--to", to) == 0
    written = [path for path in (run / "exports").rglob("*") if path.is_file()]
    assert written and all(path.stat().st_size for path in written)
    said = capsys.readouterr().out
    assert said.count("export: ") == len(written)


def test_a_second_one_takes_a_name_that_is_free(run: Path) -> None:
    for _ in range(2):
        assert export(run, "--to", "sarif") == 0 and export(run, "--to", "csv") == 0
    names = sorted(path.name for path in (run / "exports").iterdir())
    assert names == ["csv", "csv-2", "verdicts-2.sarif", "verdicts.sarif"]


def test_what_is_there_is_written_over_with_force_only(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, folder = tmp_path / "mine.md", tmp_path / "tables"
    mine.write_text("mine")
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    for to, out in (("markdown", mine), ("csv", folder)):
        assert export(run, "--to", to, "--out", out) == 2
        assert "is there already; give --out another name, or --force" in capsys.readouterr().err
    assert mine.read_text() == "mine" and len(list(folder.iterdir())) == 1
    assert export(run, "--to", "markdown", "--out", mine, "--force") == 0
    assert export(run, "--to", "csv", "--out", folder, "--force") == 0
    assert mine.read_text(encoding="utf-8").startswith("###")
    assert (folder / "mine.txt").read_text() == "mine"  # what is none of ours stays


def test_a_file_is_no_folder(run: Path, tmp_path: Path) -> None:
    assert export(run, "--to", "dot", "--out", tmp_path, "--force") == 2
    (tmp_path / "file").write_text("")
    assert export(run, "--to", "csv", "--out", tmp_path / "file", "--force") == 2


def test_to_standard_output(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(run, "--to", "markdown", "--out", "-") == 0
    assert capsys.readouterr().out.startswith("### 1 of 2 configurations work")
    assert not (run / "exports").exists()
    assert export(run, "--to", "csv", "--out", "-") == 2
    assert "give --out a folder" in capsys.readouterr().err


def test_a_trace_alone(run: Path) -> None:
    trace = run / "traces" / "int4"
    assert export(trace, "--to", "dot", "--step", "QuantizeCalibrate") == 0
    assert [path.name for path in (trace / "exports").iterdir()] == ["int4-QuantizeCalibrate.dot"]


def test_what_is_not_there(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(run, "--to", "dot", "--step", "Nothing") == 2
    assert "there is no step 'Nothing'" in capsys.readouterr().err
    assert export(run, "--to", "dot", "--configuration", "int2") == 2
    assert "was not tried" in capsys.readouterr().err
    assert export(tmp_path / "nowhere", "--to", "dot") == 2
    assert not (run / "exports").exists()


def test_a_link_out_of_the_run_is_not_followed(run: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (run / "exports").symlink_to(tmp_path / "elsewhere")
    assert export(run, "--to", "sarif") == 2
    assert not list((tmp_path / "elsewhere").iterdir())
