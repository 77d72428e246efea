"""Which schedule is tried next."""

from __future__ import annotations

import random

import pytest

from tvmq_diag.instruments.tuning.grid import Grid


@pytest.mark.parametrize("point", range(24))
def test_a_point_is_its_knobs(point: int) -> None:
    grid = Grid([2, 3, 4])
    assert grid.size == 24 and grid.point(grid.knobs(point)) == point


def test_the_first_knob_changes_first_as_in_autotvm() -> None:
    assert Grid([2, 3]).knobs(3) == [1, 1]


def test_everything_is_tried_once_and_nothing_twice() -> None:
    grid, draw = Grid([3, 4]), random.Random(1)
    tried: dict[int, float | None] = {}
    while points := grid.next(tried, 2, draw):
        assert not tried.keys() & set(points) and len(set(points)) == len(points)
        tried.update(dict.fromkeys(points, 1.0))
    assert sorted(tried) == list(range(12))


def test_neighbours_of_the_best_are_tried() -> None:
    grid, draw = Grid([9, 9, 9]), random.Random(1)
    tried: dict[int, float | None] = {0: 1.0, 400: None}
    first, _ = grid.next(tried, 2, draw)
    assert sum(knob != 0 for knob in grid.knobs(first)) == 1


def test_what_keeps_the_layout_comes_first_while_there_is_some() -> None:
    grid, draw = Grid([3, 4]), random.Random(1)
    tried: dict[int, float | None] = {}
    for _ in range(3):
        first, *_ = grid.next(tried, 1, draw, {1: 2})
        assert grid.inside(first, {1: 2})
        tried[first] = 1.0
    assert not grid.inside(grid.next(tried, 1, draw, {1: 2})[0], {1: 2})


def test_a_default_that_is_no_choice_is_not_kept() -> None:
    grid = Grid([3, 4])
    assert grid.next({}, 2, random.Random(1), {1: -1}) and not grid.inside(0, {1: -1})


def test_of_a_space_too_large_to_list_points_are_drawn() -> None:
    points = Grid([100] * 5).next({}, 4, random.Random(1))
    assert len(points) == 4 and all(0 <= point < 100**5 for point in points)
