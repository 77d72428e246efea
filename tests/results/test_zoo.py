"""The record of a zoo: what it counts, and that it comes back as it was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.zoos import RELAY, cell, rejected, works, zoo_of

from tvmq_diag.errors import UsageError
from tvmq_diag.results import zoo
from tvmq_diag.results.verdict import Verdict
from tvmq_diag.results.zoo import Zoo, ZooCell, ZooTvm

RELAX = ZooTvm(name="relax", version="0.27", dialect="relax", fingerprint="b")


def two() -> Zoo:
    return zoo_of([cell("tiny", works("int8")), cell("tiny", rejected("int4"))])


def test_it_comes_back_from_its_folder_and_from_its_file(tmp_path: Path) -> None:
    work = two()
    (tmp_path / zoo.RECORD).write_text(json.dumps(work.to_json()))
    for place in (tmp_path, tmp_path / zoo.RECORD):
        again = zoo.load(place)
        assert again.to_json() == work.to_json()
        assert again.cells == work.cells


def test_what_is_no_zoo_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no zoo"):
        zoo.load(tmp_path)
    (tmp_path / zoo.RECORD).write_text('{"models": 1}')
    with pytest.raises(UsageError, match="cannot be read"):
        zoo.load(tmp_path)


def test_cells_are_written_in_the_order_they_were_asked_for_in_whatever_order_they_came() -> None:
    work = two()
    orderly = work.to_json()["cells"]
    work.cells.reverse()
    assert work.to_json()["cells"] == orderly


def test_the_headline_counts_what_has_no_result_and_what_was_not_run() -> None:
    work = two()
    assert work.headline == "1 of 2 cells work, 1 rejected"
    work.models.append("digits")
    work.cells.append(ZooCell(model="digits", configuration="int8", tvm="relay", problem="lost"))
    assert work.headline == "1 of 2 cells work, 1 rejected; 1 without a result; 1 not run"


def test_a_cell_works_if_all_of_its_meanings_do() -> None:
    both = cell("tiny", works("a"), works("b"))
    one = cell("tiny", works("a"), rejected("b"))
    none = ZooCell(model="tiny", configuration="a", tvm="relay", problem="lost")
    assert [both.works, one.works, none.works] == [True, False, False]


def test_nothing_is_wanted_of_a_tvm_that_cannot_be_used_nor_what_means_nothing_there() -> None:
    work = Zoo(
        models=["tiny"],
        configurations=["int8/int8/int32", "int8/int8/int32:nbit_weight=4:realize=packed"],
        tvms=[RELAY, RELAX, ZooTvm(name="own", problem="no such file")],
    )
    wanted = [(text.count("packed"), tvm.name) for _, text, tvm in work.wanted]
    assert wanted == [(0, "relay"), (0, "relax"), (1, "relax")]


def test_an_entry_keeps_of_a_verdict_what_two_are_compared_by() -> None:
    made = zoo.verdict_of(rejected("int4"), "relay")
    assert isinstance(made, Verdict)
    assert zoo.entry(made, "cells/x/index.html#c0") == rejected("int4")
