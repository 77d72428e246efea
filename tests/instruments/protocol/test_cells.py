"""What a cell's process tells of its steps, as both halves of the project write and read it."""

from __future__ import annotations

import json

import pytest

from tvmq_diag.instruments.protocol import cells
from tvmq_diag.instruments.protocol.cells import NEEDS, STEPS, Raised, StepBegins, StepEnds

EVENTS = [
    StepBegins("fold"),
    StepEnds("fold", True),
    StepEnds("realize", None, "not tried: a float model has no cast to quantize"),
    StepEnds("lower", False, "no\ncode", "more", ["main", "Legalize"], Raised("f", "a.cc", 7)),
]


def test_what_is_told_is_the_same_on_the_other_side() -> None:
    printed = "\n".join(map(cells.line, EVENTS))
    assert list(cells.events(printed)) == EVENTS
    assert json.loads(cells.line(EVENTS[0])) == {"step": "fold", "begins": True}


@pytest.mark.parametrize(
    "printed",
    [
        "TVM says something",
        "null",
        "[1]",
        "[" * 100_000,
        '{"step": "rubbish", "ok": true}',
        '{"step": ["fold"], "ok": true}',
        '{"step": "fold"}',
        '{"step": "fold", "ok": 1}',
        '{"step": "fold", "ok": false, "mesage": "misspelt"}',
        '{"step": "fold", "ok": false, "raised": {"function": "f"}}',
    ],
)
def test_what_is_no_event_is_passed_over(printed: str) -> None:
    assert list(cells.events(f"{printed}\n{cells.line(EVENTS[1])}")) == EVENTS[1:2]


def test_a_step_comes_after_the_one_it_needs() -> None:
    assert all(STEPS.index(needed) < STEPS.index(step) for step, needed in NEEDS.items())
