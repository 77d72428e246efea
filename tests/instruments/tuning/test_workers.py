"""Trials in processes of their own: each way of ending, and who has the machine when."""

from __future__ import annotations

import ctypes
import itertools
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from tvmq_diag.instruments.tuning import workers
from tvmq_diag.instruments.tuning.workers import DIED, Limits, Outcome, Run

SOON = Limits(ready=1.0, run=1.0)


def trial(value: Any) -> Callable[[], Run]:
    return lambda: lambda: value


def dies() -> Run:
    ctypes.string_at(0)
    raise AssertionError


def dies_later() -> Run:
    return lambda: ctypes.string_at(0)


def aborts() -> Run:
    os.abort()


def hangs() -> Run:
    time.sleep(60)
    raise AssertionError


def hangs_later() -> Run:
    return lambda: time.sleep(60)


def raises() -> Run:
    raise ValueError("first\nwhat it comes to")


def test_what_returns_returns() -> None:
    assert workers.batch([trial(1.5), trial([1, 2])], SOON) == [Outcome(1.5), Outcome([1, 2])]


@pytest.mark.parametrize("death", [dies, dies_later, aborts])
def test_who_dies_takes_nobody_along(death: Callable[[], Run]) -> None:
    assert workers.batch([death, trial(1)], SOON) == [Outcome(error=DIED), Outcome(1)]


@pytest.mark.parametrize(("hanging", "said"), [(hangs, "building"), (hangs_later, "running")])
def test_who_hangs_is_ended(hanging: Callable[[], Run], said: str) -> None:
    began = time.monotonic()
    hung, other = workers.batch([hanging, trial(1)], SOON)
    assert time.monotonic() - began < 20
    assert hung.hung and hung.error == f"still {said} after 1 s"
    assert other == Outcome(1)


def test_an_exception_is_its_last_line() -> None:
    (outcome,) = workers.batch([raises], SOON)
    assert outcome.error == "ValueError: what it comes to" and not outcome.hung


def test_all_are_ready_before_one_runs_and_one_runs_at_a_time() -> None:
    def timed() -> Run:
        ready = time.monotonic()

        def run() -> list[float]:
            began = time.monotonic()
            time.sleep(0.05)
            return [ready, began, time.monotonic()]

        return run

    spans = [outcome.value for outcome in workers.batch([timed, timed, timed], SOON)]
    assert max(ready for ready, _, _ in spans) < min(began for _, began, _ in spans)
    assert all(end <= later[1] for (_, _, end), later in itertools.pairwise(spans))


def test_no_process_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    fork = os.fork

    def noted() -> int:
        started.append(fork())
        return started[-1]

    monkeypatch.setattr(workers.os, "fork", noted)

    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(workers._Worker, "_line", interrupted)
    with pytest.raises(KeyboardInterrupt):
        workers.batch([hangs, hangs_later], SOON)
    for child in started:
        with pytest.raises(ChildProcessError):
            os.waitpid(child, 0)  # it was waited for
