from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvmq_diag.measurements.paired import ratio


def test_a_drift_of_the_machine_cancels() -> None:
    found = ratio([2.0, 4.0, 8.0], [1.0, 2.0, 4.0])
    assert found.value == pytest.approx(2) and found.low == pytest.approx(2)


def test_noise_widens_the_interval_around_the_value() -> None:
    found = ratio([1.0, 1.2, 0.9, 1.1], [1.0, 1.0, 1.0, 1.0])
    assert found.low < 1 < found.high
    assert found.low < found.value < found.high


def test_with_more_pairs_a_few_wild_ones_do_not_count() -> None:
    """The interval of 20 pairs leaves out 5 on either side: P(Bin(20, 1/2) <= 5) = 0.0207."""
    theirs = [1.0] * 20
    ours = [1.1] * 6 + [1.2] * 8 + [1.3] * 3 + [7.0, 9.0, 50.0]
    found = ratio(ours, theirs)
    assert (found.value, found.low, found.high) == pytest.approx((1.2, 1.1, 1.3))


@given(st.integers(0, 2**32))
def test_the_interval_holds_the_truth_at_least_so_often(seed: int) -> None:
    generator = random.Random(seed)
    hits = 0
    for _ in range(60):
        pairs = [math.exp(generator.gauss(0.3, 0.5)) for _ in range(12)]
        found = ratio(pairs, [1.0] * 12)
        hits += found.low <= math.exp(0.3) <= found.high
    assert hits >= 48  # 95 % of 60 are 57; fewer than 48 has a probability below 1e-4


def test_one_pair_has_no_interval() -> None:
    with pytest.raises(ValueError, match="two pairs"):
        ratio([1.0], [1.0])
