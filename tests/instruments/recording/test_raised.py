"""An exception without a text: the statement, the condition and the values, and nothing called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support import silent

from tvmq_diag.instruments.recording import raised


def evidence(function: Callable[..., Any], *arguments: object) -> dict[str, Any]:
    with pytest.raises(Exception) as error:
        function(*arguments)
    return raised.evidence(error.value)


def test_an_assertion_over_several_lines_is_one_statement_with_its_values() -> None:
    assert evidence(silent.several_lines) == {
        "statement": 'assert ( len(sizes) == 4 and name in ("weight",) )',
        "condition": 'len(sizes) == 4 and name in ("weight",)',
        "values": [["len(sizes)", "3"], ["name", "'data'"]],
    }


def test_a_raise_has_the_branches_that_led_to_it() -> None:
    record = evidence(silent.branches)
    assert record["statement"] == "raise ValueError"
    assert set(record["condition"].split(" and ")) == {
        "not (left is None)",
        "right in [Kind.ACTIVATION]",
        "not (left == right)",
    }
    assert dict(record["values"]) == {"left": "1", "right": "3", "Kind.ACTIVATION": "3"}


def test_nothing_is_called() -> None:
    thing = silent.Touchy()
    record = evidence(silent.touchy, thing)
    assert record["values"] == [["thing.plain", "'as it is'"], ["thing", "a Touchy"]]
    assert thing.used == []


def test_arrays_are_told_by_type_and_what_is_long_is_cut() -> None:
    assert dict(evidence(silent.arrays)["values"]) == {
        "array.dtype": "float32",
        "array": "an array, float32[2, 3]",
        "text": "'" + "x" * 59,
    }


def test_one_that_says_something_or_has_no_source_leaves_nothing() -> None:
    assert evidence(silent.speaking) == {}
    assert evidence(silent.without_source) == {}
    assert raised.evidence(ValueError()) == {} and raised.place(ValueError()) is None
