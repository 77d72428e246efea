"""Whose turn it is: the time goes where it can gain most."""

from __future__ import annotations

from collections import Counter

from support.tunables import Schedules

from tvmq_diag.instruments.tuning.grid import Grid
from tvmq_diag.instruments.tuning.shares import State, turn
from tvmq_diag.instruments.tuning.tunable import Use


def state(number: int, **uses: Use) -> State:
    return State(number, Schedules({}, uses), Grid([1000]), default_ms=1.0)


def test_who_stalls_gets_less_and_all_by_their_time_in_the_models() -> None:
    shared = state(1, a=Use(1, 20.0), b=Use(1, 10.0))
    states = [state(0, a=Use(4, 60.0)), shared, state(2, a=Use(1, 10.0))]
    turns: Counter[int] = Counter()
    for _ in range(100):
        one = turn(states)
        assert one is not None
        turns[one.number] += 1
        one.stalled += 1
    assert [turns[0], turns[1], turns[2]] == [60, 30, 10]


def test_who_gets_better_goes_on() -> None:
    first, second = state(0, a=Use(1, 30.0)), state(1, a=Use(1, 29.0))
    first.stalled = second.stalled = 3
    assert turn([first, second]) is first
    second.stalled = 0
    assert turn([first, second]) is second


def test_what_is_not_profiled_counts_by_its_calls_and_its_own_time() -> None:
    assert state(0, a=Use(4)).model_ms == 4.0
    assert state(0, a=Use(4, 30.0), b=Use(1)).model_ms == 31.0


def test_what_was_gained_is_no_more_to_be_had() -> None:
    one = state(0, a=Use(1, 30.0))
    one.tried = {5: 0.5}
    assert one.hope == 15.0


def test_who_cannot_gain_has_no_turn() -> None:
    dead, empty = state(0, a=Use(1, 30.0)), state(1, a=Use(1, 30.0))
    dead.default_ms = None
    empty.exhausted = True
    assert turn([dead, empty]) is None
