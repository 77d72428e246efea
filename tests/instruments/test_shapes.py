"""Shapes of inputs, asked for in the place of a model's own."""

from __future__ import annotations

import pytest

from tvmq_diag.instruments.inputs import shapes
from tvmq_diag.instruments.inputs.errors import ModelError

TWO: shapes.Shapes = {"data": ["N", 3, 8, 8], "mask": ["N", 16]}


def test_what_is_asked_for_takes_the_place_of_what_is_open() -> None:
    fixed = {"data": [2, 3, 8, 8], "mask": [2, 16]}
    assert shapes.resolved(fixed, TWO) == fixed
    assert shapes.resolved(None, fixed) == fixed
    assert shapes.resolved({"": [1, 4]}, {"x": ["?", 4]}) == {"x": [1, 4]}
    assert shapes.resolved({"x": [1, 2]}, {"x": None}) == {"x": [1, 2]}
    assert shapes.resolved({"": [5, 6]}, {"x": [1, 4]}, replace=True) == {"x": [5, 6]}
    assert shapes.resolved(None, {"scalar": []}) == {"scalar": []}


@pytest.mark.parametrize(
    ("requested", "inputs", "words"),
    [
        ({"": [1, 2]}, TWO, "this model has 2: give each by name, 'data=1,3,8,8;mask=1,16'"),
        ({"data": [1, 3, 8, 8]}, TWO, "input 'mask' is [N, 16]: fix it with --input-shape 'mask="),
        (None, TWO, "'data=1,3,8,8;mask=1,16'"),
        (None, {"x": None}, "input 'x' is of no known rank: fix it with --input-shape 'x=1,3,224"),
        ({"": [1, 5]}, {"x": ["?", 4]}, "5 is not 4: only what it leaves open can be given"),
        ({"": [1]}, {"x": ["?", 4]}, "input 'x' has 2 dimensions, and 1 are given"),
        ({"y": [1]}, {"x": [1]}, "no input 'y'; its inputs: x"),
    ],
)
def test_what_does_not_fit_is_said_with_what_does(
    requested: dict[str, list[int]] | None, inputs: shapes.Shapes, words: str
) -> None:
    with pytest.raises(ModelError) as raised:
        shapes.resolved(requested, inputs)
    assert words in str(raised.value)
