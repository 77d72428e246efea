from __future__ import annotations

import pytest

from tvmq_diag.paired import ratio


def test_a_drift_of_the_machine_cancels() -> None:
    found = ratio([2.0, 4.0, 8.0], [1.0, 2.0, 4.0])
    assert found.value == pytest.approx(2) and found.low == pytest.approx(2)


def test_noise_widens_the_interval_around_the_value() -> None:
    found = ratio([1.0, 1.2, 0.9, 1.1], [1.0, 1.0, 1.0, 1.0])
    assert found.low < 1 < found.high
    assert found.low < found.value < found.high


def test_one_pair_has_no_interval() -> None:
    with pytest.raises(ValueError, match="two pairs"):
        ratio([1.0], [1.0])
