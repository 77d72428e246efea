"""Steps by name, and what each did to the ops."""

from __future__ import annotations

from collections import Counter

import pytest
from support.runs import TINY

from tvmq_diag.errors import UsageError
from tvmq_diag.history.story import ADDED, CHANGED, REMOVED, SAME, Story
from tvmq_diag.trace import reader


@pytest.fixture(scope="module")
def works() -> Story:
    return Story(reader.load(TINY / "traces" / "int8_int8_int32"))


@pytest.fixture(scope="module")
def rejected() -> Story:
    return Story(reader.load(TINY / "traces" / "int4"))


def test_steps_have_names_of_their_own(works: Story) -> None:
    assert len(set(works.names)) == len(works.names)
    assert works.names[0] == "the model" and "FoldConstant#2" in works.names
    assert works.find("FoldConstant#1") == works.find("FoldConstant")
    assert works.find("FoldConstant#2") > works.find("FoldConstant")


def test_a_step_that_there_is_not_names_those_that_changed_something(works: Story) -> None:
    with pytest.raises(UsageError, match=r"no step 'FoldConstant#99'.*QuantizeAnnotate"):
        works.find("FoldConstant#99")


def test_the_step_that_tells_most(works: Story, rejected: Story) -> None:
    assert rejected.names[rejected.telling() or 0] == "QuantizeRealize"
    telling = works.telling()
    assert telling is not None and works.steps[telling].stage in ("realize", "fold")


def test_what_annotate_does(works: Story) -> None:
    number = works.find("QuantizeAnnotate")
    changes = works.changes(number)
    module, before = works.module(number), works.before(number)
    assert module is not None and before is not None
    assert [op.index for op in changes if op.mark != REMOVED] == list(range(len(module.lines)))
    gone = [op.line for op in changes if op.mark == REMOVED]
    assert set(gone) == set(before.lines) - set(module.lines)
    added = Counter(op.row.op for op in changes if op.mark == ADDED)
    assert any("simulated_quantize" in name for name in added)
    for op in changes:
        assert (op.before is not None) == (op.mark == CHANGED)
        assert op.before != op.row


def test_the_model_and_a_step_that_failed_change_nothing(works: Story, rejected: Story) -> None:
    last = len(rejected.steps) - 1
    assert {op.mark for op in works.changes(0)} == {SAME}
    assert {op.mark for op in rejected.changes(last)} == {SAME}
    assert rejected.refused(last) == 11 and rejected.refused(last - 1) is None
    assert rejected.changes(last)[11].row.op == "add"
