"""`trace --script`: a script of somebody's own in the TVM process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.paths import SCRIPTS

import tvmq_diag as td

Run = Callable[..., int]


@pytest.fixture
def own(trace_quantize: Run, tmp_path: Path) -> Run:
    """Run own_script.py from the folder that it is not in."""
    (tmp_path / "beside").mkdir()
    shutil.copy(SCRIPTS / "own_script.py", tmp_path / "beside" / "own.py")
    return lambda *words: trace_quantize(
        "--script", "beside/own.py", "--out", "runs/own", "--", *words
    )


def test_the_pass_that_failed_is_the_title(
    own: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert own("convert") == 1
    printed = capsys.readouterr().out
    title = "ConvertLayout failed at nn.conv2d (op #1): Layout NHWC3 is not yet supported."
    assert title in " ".join(printed.split())
    # The script's own words and its traceback from the script on, as Python prints them.
    assert (
        f"arguments ['beside/own.py', 'convert'] beside {tmp_path}/beside in {tmp_path}" in printed
    )
    traceback = printed.partition("Traceback")[2].splitlines()
    assert "beside/own.py" in traceback[1] and "runpy" not in printed
    run = td.load("runs/own")
    (verdict,) = run.verdicts
    assert verdict.headline == title and run["script"].trace is not None
    assert run.facts.script == "beside/own.py convert"
    page = Path("runs/own/index.html").read_text()
    assert title in page and "int8" not in page.partition("</style>")[2].partition("</header>")[0]
    assert title.partition(": ")[2] in Path("runs/index.html").read_text()


def test_a_process_that_dies_is_named_with_its_signal(own: Run) -> None:
    assert own("dies") == 1
    (verdict,) = json.loads(Path("runs/own/verdict.json").read_text())
    assert (verdict["outcome"], verdict["pass"]) == ("crashed", "Deadly")
    assert verdict["message"] == "the process was ended by SIGSEGV"


def test_an_exit_code_is_the_scripts_own(own: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert own("exit") == 1
    assert "the script failed: it ended with exit code 3" in capsys.readouterr().out


def test_where_nothing_failed_and_no_quantizer_ran_that_is_the_title(
    own: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert own() == 0
    assert "no quantizer ran: 2 passes, and nothing was raised" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--script", "none.py"), "--script none.py: no such file"),
        (("--script", __file__, "--weights", "x"), "--weights is for a model"),
        (("--dtype", "int4", "--model", "tiny", "more"), "'more' is no option"),
    ],
)
def test_what_cannot_be_is_one_line(
    trace_quantize: Run, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], line: str
) -> None:
    assert trace_quantize(*words) == 2
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1


def test_a_script_or_a_dtype_is_needed(trace_quantize: Run) -> None:
    with pytest.raises(SystemExit) as left:
        trace_quantize("--model", "tiny")
    assert left.value.code == 2
