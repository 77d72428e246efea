"""Slicing and reduction on a dialect made up here: ops are numbers, failures are rules on sets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvmq_diag.instruments.diagnosis.reduction import (
    Budget,
    NotSliceable,
    Part,
    Remembered,
    judge_all,
    reduce,
    slice_to,
)

# 0 1 → 2 → 3 ─┐
#        4 → 5 ┴→ 6 → 7
GRAPH = {0: [], 1: [], 2: [0, 1], 3: [2], 4: [], 5: [4], 6: [3, 5], 7: [6]}


def producers(op: int) -> list[int]:
    return GRAPH[op]


def never(op: int) -> bool:
    return False


def plenty() -> Budget:
    return Budget(60.0)


def test_a_slice_ends_at_the_boundary_and_has_it() -> None:
    assert slice_to(6, producers, lambda op: op in (2, 5)).kept == {6, 3, 2, 5}


def test_the_smallest_part_is_found() -> None:
    def experiment(part: Part) -> str | None:
        return "no" if {6, 3} <= part.kept else None

    found = reduce(7, producers, experiment, "no", plenty())
    assert found is not None and found.complete
    assert found.part.kept >= {6, 3} and 0 not in found.part.kept
    assert found.part.root == 7 and len(found.part.kept) == 3


def test_an_op_that_only_passes_on_is_bypassed() -> None:
    def experiment(part: Part) -> str | None:
        reads_4 = 4 in part.kept and (5 in part.kept or 5 in part.bypassed)
        return "no" if reads_4 and 6 in part.kept else None

    found = reduce(6, producers, experiment, "no", plenty())
    assert found is not None
    assert found.part.kept == {6, 4} and found.part.bypassed == {5}


def test_another_failure_is_no_win() -> None:
    def experiment(part: Part) -> str | None:
        return "wanted" if len(part.kept) >= 4 else "another"

    found = reduce(7, producers, experiment, "wanted", plenty())
    assert found is not None and len(found.part.kept) == 4


def test_a_failure_that_comes_and_goes_is_said_to() -> None:
    turns = iter(range(1000))
    found = reduce(
        7, producers, lambda part: "no" if next(turns) % 2 == 0 else None, "no", plenty()
    )
    assert found is not None and not found.deterministic


def test_no_part_fails() -> None:
    assert reduce(7, producers, lambda part: None, "no", plenty()) is None


def test_when_the_time_is_up_it_says_so() -> None:
    found = reduce(7, producers, lambda part: "no", "no", Budget(0.0))
    assert found is not None and not found.complete


def test_every_guilty_op_is_found_and_no_other() -> None:
    guilty = {3, 6}

    def experiment(part: Part) -> str | None:
        return "no" if guilty & part.kept else None

    said = judge_all(range(8), producers, never, experiment, plenty()).answers
    assert {op for op, message in said.items() if message} == guilty


def test_an_op_that_makes_no_module_alone_is_said_to() -> None:
    def experiment(part: Part) -> str | None:
        if part.root == 3:
            raise NotSliceable("ill-typed")
        return None

    judged = judge_all(range(8), producers, never, experiment, plenty())
    assert judged.unjudged == {3: "ill-typed"} and 3 not in judged.answers


def test_what_is_far_off_is_taken_in_by_leaps_and_left_out_again() -> None:
    chain = 200

    def experiment(part: Part) -> str | None:
        return "no" if 3 in part.kept | part.bypassed else None

    budget = plenty()
    asked = Remembered(experiment, "pass", {}, budget)
    found = reduce(chain, lambda op: [op - 1] if op else [], asked, "no", budget)
    assert found is not None and 0 not in found.part.kept
    assert len(found.part.kept) == 1  # all others are bypassed


def test_weights_are_ones_in_every_part_tried() -> None:
    def experiment(part: Part) -> str | None:
        return "no" if part.ones and 3 in part.kept else None

    assert reduce(7, producers, experiment, "no", plenty()) is None
    found = reduce(7, producers, experiment, "no", plenty(), ones=True)
    assert found is not None and found.part.kept == {3, 7} and found.part.ones
    assert judge_all([3], producers, never, experiment, plenty(), ones=True).answers == {3: "no"}


def test_nothing_is_tried_twice_and_only_what_is_tried_counts() -> None:
    memo: dict[str, str | None] = {}

    def experiment(part: Part) -> str | None:
        return "no" if {6, 3} <= part.kept else None

    def run(name: str) -> tuple[Part, int]:
        budget = plenty()
        found = reduce(7, producers, Remembered(experiment, name, memo, budget), "no", budget)
        assert found is not None
        return found.part, budget.queries

    part, queries = run("pass")
    assert queries == len(memo) > 5
    assert run("pass") == (part, 0)
    assert run("another pass") == (part, queries)


def test_what_makes_no_module_is_not_remembered() -> None:
    memo: dict[str, str | None] = {}

    def experiment(part: Part) -> str | None:
        raise NotSliceable("ill-typed")

    with pytest.raises(NotSliceable):
        Remembered(experiment, "pass", memo, plenty())(Part(1, frozenset({1})))
    assert memo == {}


parts = st.builds(
    Part,
    st.integers(0, 3),
    st.frozensets(st.integers(0, 12)),
    st.frozensets(st.integers(0, 12)),
    st.frozensets(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=2),
    st.frozensets(st.tuples(st.integers(0, 12), st.sampled_from(["a", "b"])), max_size=2),
    st.booleans(),
    st.integers(0, 1),
)


@given(parts, parts)
def test_a_part_has_one_key_and_no_other_has_it(one: Part, other: Part) -> None:
    assert (one.key == other.key) == (one == other)


@given(st.lists(st.lists(st.integers(0, 30), max_size=3), min_size=1, max_size=25), st.data())
def test_on_any_graph_the_map_is_exact_and_the_part_minimal(
    shape: list[list[int]], data: st.DataObject
) -> None:
    graph = {i: sorted({p % i for p in reads}) if i else [] for i, reads in enumerate(shape)}
    reads: Callable[[int], list[int]] = graph.__getitem__
    guilty = data.draw(st.sets(st.sampled_from(sorted(graph))))

    def experiment(part: Part) -> str | None:
        return "no" if guilty & part.kept else None

    said = judge_all(graph, reads, never, experiment, plenty()).answers
    assert {op for op, message in said.items() if message} == guilty
    for root in guilty:
        found = reduce(root, reads, experiment, "no", plenty())
        assert found is not None and found.part.kept == {root}
