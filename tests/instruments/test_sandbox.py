"""Experiments in processes of their own: what each way of ending comes back as."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path

import pytest

from tvmq_diag.instruments.diagnosis.diagnosis import Memo
from tvmq_diag.instruments.sandbox import Died, Hung, isolated


def test_what_returns_returns() -> None:
    isolated(lambda value: None)(1)


def test_an_exception_comes_back_as_it_was() -> None:
    def work(value: object) -> None:
        raise ValueError(f"no {value}\nwith a second line")

    with pytest.raises(Exception, match="no 7\nwith a second line") as caught:
        isolated(work)(7)
    assert type(caught.value).__name__ == "ValueError"


@pytest.mark.parametrize("death", [lambda _: ctypes.string_at(0), lambda _: os.abort()])
def test_every_death_reads_alike(death: object) -> None:
    with pytest.raises(Died, match="the process dies"):
        isolated(death)(None)  # type: ignore[arg-type]


def test_what_ends_its_process_without_a_word_died() -> None:
    with pytest.raises(Died):
        isolated(lambda _: os._exit(0))(None)


def test_what_hangs_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(Hung):
        isolated(lambda _: time.sleep(60), seconds=0.3)(None)
    assert time.monotonic() - began < 30


def test_a_long_answer_does_not_block() -> None:
    def work(value: object) -> None:
        raise RuntimeError("x" * 1_000_000)

    with pytest.raises(Exception) as caught:
        isolated(work)(None)
    assert len(str(caught.value)) == 1_000_000


def test_a_memo_goes_on_where_another_stopped(tmp_path: Path) -> None:
    path = tmp_path / "experiments.jsonl"
    told: list[int] = []
    first = Memo(path, told.append)
    first["a"] = "no"
    first["b"] = None
    with path.open("a") as file:
        file.write('\n["c", "cut')  # a process died writing it
    second = Memo(path, told.append)
    assert dict(second) == {"a": "no", "b": None}
    second["d"] = "yes"
    assert dict(Memo(path, told.append)) == {"a": "no", "b": None, "d": "yes"}
    assert told == [1, 2, 3]
