"""Shrinking shapes and attributes of parts made up here: a rule says which still fail."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from tvmq_diag.instruments.diagnosis.reduction import (
    Budget,
    NotSliceable,
    Part,
    Remembered,
    failing,
)
from tvmq_diag.instruments.diagnosis.shrinking import SMALL, shrink

PART = Part(1, frozenset({0, 1}))
ATTRIBUTES = [(0, "padding"), (0, "strides"), (1, "axis")]


def shrunk(
    fails: Callable[[Part], bool], sizes: list[int], budget: Budget | None = None
) -> tuple[dict[int, int], set[tuple[int, str]]]:
    """The sizes of the result by those before, and the attributes that were left out."""
    part = shrink(PART, lambda _: sizes, lambda _: ATTRIBUTES, fails, budget or Budget(60.0))
    return {size: dict(part.sizes).get(size, size) for size in sizes}, set(part.dropped)


def test_what_matters_to_nobody_goes_in_two_experiments() -> None:
    budget, memo = Budget(60.0), {}
    experiment = Remembered(lambda part: "no", "pass", memo, budget)
    assert shrunk(failing(experiment, "no"), [224, 64, 3]) == (
        {224: 1, 64: 1, 3: 1},
        set(ATTRIBUTES),
    )
    assert budget.queries == len(memo) == 2


def test_a_size_that_matters_stays_as_small_as_it_can() -> None:
    def fails(part: Part) -> bool:
        return dict(part.sizes).get(64, 64) % 4 == 0

    assert shrunk(fails, [224, 64, 3])[0] == {224: 1, 64: 4, 3: 1}


def test_an_attribute_can_hold_a_size() -> None:
    def fails(part: Part) -> bool:
        return (0, "padding") in part.dropped or not part.sizes

    assert shrunk(fails, [224, 64]) == ({224: 1, 64: 1}, set(ATTRIBUTES))


def test_another_failure_and_no_module_are_no_win() -> None:
    def experiment(part: Part) -> str | None:
        if part.dropped:
            raise NotSliceable("ill-typed")
        return "another" if part.sizes else "no"

    assert shrunk(failing(experiment, "no"), [7]) == ({7: 7}, set())


def test_when_the_time_is_up_nothing_is_tried() -> None:
    assert shrunk(lambda part: True, [7], Budget(-1.0)) == ({7: 7}, set())


@given(
    st.sets(st.integers(1, 300), max_size=6).flatmap(
        lambda sizes: st.fixed_dictionaries({size: st.integers(1, size) for size in sizes})
    ),
    st.sets(st.sampled_from(ATTRIBUTES)),
)
def test_what_is_needed_stays_and_all_else_goes(
    least: dict[int, int], needed: set[tuple[int, str]]
) -> None:
    """Where each size has a least one that fails, and the needed attributes are independent."""
    budget = Budget(60.0)

    def experiment(part: Part) -> str | None:
        now = dict(part.sizes)
        enough = all(now.get(size, size) >= low for size, low in least.items())
        return "no" if enough and not part.dropped & needed else None

    asked = Remembered(experiment, "pass", {}, budget)
    sizes, dropped = shrunk(failing(asked, "no"), sorted(least))
    assert dropped == set(ATTRIBUTES) - needed
    for size, low in least.items():
        assert sizes[size] == min((s for s in SMALL if low <= s < size), default=size)
    # All at once and each alone, the sizes twice.
    assert budget.queries <= 2 * (1 + len(SMALL) * len(least)) + 1 + len(ATTRIBUTES)
