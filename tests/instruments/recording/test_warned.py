"""What TVM's Python warns of is heard, and goes on as it would."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import pytest

from tvmq_diag.instruments.recording import warned

Heard = list[tuple[str, str, int]]

SOURCE = """
import logging, warnings
def warn(text, *more): warnings.warn(text, *more)
def log(text): logging.getLogger("strategy").warning(text)
def whisper(text): logging.getLogger("strategy").info(text)
"""


def module(name: str, file: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": name, "__file__": file}
    exec(compile(SOURCE, file, "exec"), names)
    return names


@pytest.fixture
def of_tvm() -> dict[str, Any]:
    return module("tvm.relay.quantize._annotate", "/x/site-packages/tvm/relay/quantize/a.py")


def test_each_text_of_a_line_is_heard_once_and_others_go_by(of_tvm: dict[str, Any]) -> None:
    heard: Heard = []
    mine = module("mine", "/x/mine.py")
    with warnings.catch_warnings(), warned.heard(lambda *one: heard.append(one)):
        warnings.simplefilter("ignore")  # hidden, and heard all the same
        for _ in range(2):
            of_tvm["warn"]("NCHWc")
            of_tvm["log"]("not tuned")
        of_tvm["whisper"]("nothing")
        mine["warn"]("mine")
        mine["log"]("mine")
    file = "/x/site-packages/tvm/relay/quantize/a.py"
    assert heard == [("NCHWc", file, 3), ("not tuned", file, 4)]
    of_tvm["log"]("after")
    assert len(heard) == 2


def test_it_is_shown_as_it_would_be(
    of_tvm: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    before = warnings.warn, logging.Logger.handle
    with warnings.catch_warnings(record=True) as shown, warned.heard(lambda *one: None):
        warnings.simplefilter("always")
        of_tvm["warn"]("NCHWc", FutureWarning)
        of_tvm["log"]("not tuned")
    (one,) = shown
    assert (one.category, one.lineno) == (FutureWarning, 3)
    assert one.filename == "/x/site-packages/tvm/relay/quantize/a.py"
    assert [record.getMessage() for record in caplog.records] == ["not tuned"]
    assert (warnings.warn, logging.Logger.handle) == before


def test_one_that_is_made_an_error_stays_one(of_tvm: dict[str, Any]) -> None:
    with warnings.catch_warnings(), warned.heard(lambda *one: None):
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="NCHWc"):
            of_tvm["warn"]("NCHWc")


def test_trouble_of_ours_is_none_of_the_compile(of_tvm: dict[str, Any], tmp_path: Path) -> None:
    def broken(*one: object) -> None:
        raise OSError("the disk is full")

    with warnings.catch_warnings(), warned.heard(broken):
        warnings.simplefilter("ignore")
        of_tvm["warn"]("NCHWc")
        of_tvm["log"]("not tuned")
