from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tvmq_diag.instruments.diagnosis.first_failing import first_failing


@given(st.integers(1, 2000), st.data())
def test_finds_the_first_failing_op_in_logarithmic_time(count: int, data: st.DataObject) -> None:
    guilty = data.draw(st.integers(0, count - 1))
    found = first_failing(count, lambda length: length > guilty)
    assert found.index == guilty
    assert found.runs <= count.bit_length() + 2


def test_a_failure_that_does_not_come_again_blames_nobody() -> None:
    assert first_failing(100, lambda length: False).index is None
    assert first_failing(0, lambda length: True).index is None
