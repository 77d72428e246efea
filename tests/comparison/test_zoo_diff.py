"""A zoo against a baseline: what is worse, what is better, and what is not told to be either."""

from __future__ import annotations

import pytest
from support.zoos import RELAY, cell, rejected, works, zoo_of

from tvmq_diag.comparison import zoo_diff
from tvmq_diag.comparison.outcome_diff import EARLIER, FIXED, LATER, MISSING, NEW, REGRESSED
from tvmq_diag.comparison.zoo_diff import ACCURACY, BETTER, OTHERWISE, WORSE
from tvmq_diag.results.verdict import CRASHED
from tvmq_diag.results.version_matrix import CellRecord
from tvmq_diag.results.zoo import ZooCell, ZooTvm


def crashed(configuration: str) -> CellRecord:
    return CellRecord(configuration=configuration, outcome=CRASHED, stage="realize")


@pytest.mark.parametrize(
    ("old", "new", "kind", "what"),
    [
        (works("c"), rejected("c"), WORSE, REGRESSED),
        (rejected("c"), works("c"), BETTER, FIXED),
        (rejected("c"), rejected("c", "annotate", "QuantizeAnnotate"), WORSE, EARLIER),
        (rejected("c"), rejected("c", "lower", "FuseOps"), BETTER, LATER),
        (rejected("c", op=9), rejected("c", op=4), WORSE, EARLIER),
        (rejected("c"), crashed("c"), WORSE, REGRESSED),
        (works("c", 0.99), works("c", 0.97), WORSE, ACCURACY),
        (works("c", 0.97), works("c", 0.99), BETTER, ACCURACY),
        (rejected("c"), rejected("c", by="FoldConstant"), OTHERWISE, "changed"),
    ],
)
def test_a_cell_is_judged(old: CellRecord, new: CellRecord, kind: str, what: str) -> None:
    diff = zoo_diff.compare(zoo_of([cell("tiny", old)]), zoo_of([cell("tiny", new)]))
    assert [(change.kind, change.what) for change in diff.changes] == [(kind, what)]
    assert diff.compared == 1


def test_what_differs_by_less_than_is_tolerated_is_no_change() -> None:
    before, now = (zoo_of([cell("tiny", works("c", cosine))]) for cosine in (0.990, 0.988))
    diff = zoo_diff.compare(before, now)
    assert diff.changes == [] and diff.headline == "nothing changed, of 1 compared"


def test_no_result_is_neither_worse_nor_better() -> None:
    lost = ZooCell(model="tiny", configuration="c", tvm="relay", problem="its worker was lost")
    there = cell("tiny", works("c"))
    gone = zoo_diff.compare(zoo_of([there]), zoo_of([lost])).changes
    assert [(one.kind, one.what) for one in gone] == [(OTHERWISE, MISSING)]
    come = zoo_diff.compare(zoo_of([lost]), zoo_of([there])).changes
    assert [(one.kind, one.what) for one in come] == [(OTHERWISE, NEW)]
    assert zoo_diff.compare(zoo_of([lost]), zoo_of([lost])).changes == []


def test_cells_that_only_one_has_are_a_note() -> None:
    before = zoo_of([cell("tiny", works("c")), cell("gone", works("c"))])
    now = zoo_of([cell("tiny", works("c")), cell("new", rejected("c"))])
    diff = zoo_diff.compare(before, now)
    assert diff.changes == []
    assert diff.notes == [
        "the baseline has nothing of 1 cell of this zoo",
        "this zoo has nothing of 1 cell of the baseline",
    ]


def test_a_branch_of_somebodys_is_held_against_the_released_tvm_of_its_dialect() -> None:
    own = ZooTvm(name="/my/bin/python", python="/my/bin/python", dialect="relay")
    relax = ZooTvm(name="relax", dialect="relax")
    before = zoo_of(
        [cell("tiny", works("c")), cell("tiny", works("c"), tvm="relax")], [RELAY, relax]
    )
    now = zoo_of([cell("tiny", rejected("c"), tvm=own.name)], [own])
    diff = zoo_diff.compare(before, now)
    assert [change.kind for change in diff.changes] == [WORSE]
    assert "/my/bin/python is held against relay of the baseline" in diff.notes


def test_of_several_tvms_nobody_guesses_which_is_which() -> None:
    own = [ZooTvm(name=name, python=name, dialect="relay") for name in ("/a", "/b")]
    assert zoo_diff.pairs([RELAY], own) == {}
    assert zoo_diff.pairs([RELAY], [RELAY, own[0]]) == {"relay": "relay"}


def test_each_meaning_is_judged_by_itself() -> None:
    before = zoo_of([cell("tiny", works("c:1"), works("c:2"), typed="c")])
    now = zoo_of([cell("tiny", works("c:1"), rejected("c:2"), typed="c")])
    (change,) = zoo_diff.compare(before, now).changes
    assert change.meaning == "c:2"
    assert change.sentence.startswith("works -> rejected by QuantizeRealize at add #9")


def test_other_options_are_noted() -> None:
    before, now = zoo_of([cell("tiny", works("c"))]), zoo_of([cell("tiny", works("c"))])
    now.facts.arguments = ["--seed", "1"]
    (note,) = zoo_diff.compare(before, now).notes
    assert note == "the options of the cells differ: none -> --seed 1"


def test_while_it_is_under_way_what_is_left_is_said_and_is_no_cell_that_it_has_not() -> None:
    before = zoo_of([cell("tiny", works("int4")), cell("digits", works("int4"))])
    now = zoo_of([cell("tiny", works("int4"))])
    now.models = ["tiny", "digits"]
    diff = zoo_diff.compare(before, now)
    assert diff.headline == "nothing changed, of 1 compared; 1 not run" and diff.notes == []
