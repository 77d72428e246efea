from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tvmq_diag.instruments.numerics import figures
from tvmq_diag.measurements import outputs


def test_the_same_outputs_agree_in_everything() -> None:
    x = np.random.default_rng(0).standard_normal((4, 10))
    found = outputs.compare([x], [x])
    assert found.cosine == pytest.approx(1)
    assert found.max_abs_error == 0
    assert found.top1_agree == 1
    assert found.sqnr_db is None  # there is no noise


def test_known_noise_gives_its_ratio() -> None:
    x = np.ones((1, 1000))
    found = outputs.compare([x * 1.1], [x])
    assert found.sqnr_db == pytest.approx(20)
    assert found.max_abs_error == pytest.approx(0.1)


def test_nan_is_not_a_number_to_report() -> None:
    bad = np.full((1, 2), np.nan)
    found = outputs.compare([bad], [np.ones((1, 2))])
    assert (found.cosine, found.sqnr_db, found.max_abs_error) == (None, None, None)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes"):
        outputs.compare([np.ones((1, 2))], [np.ones((2, 1))])


def test_top1_counts_rows() -> None:
    a = np.array([[1.0, 2.0], [3.0, 0.0]])
    b = np.array([[1.0, 2.0], [0.0, 3.0]])
    assert outputs.compare([a], [b]).top1_agree == 0.5


@given(st.floats(1e-3, 1e3), st.integers(0, 2**31))
def test_cosine_ignores_scale(scale: float, seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal((2, 7))
    found = outputs.compare([x * scale], [x])
    assert found.cosine == pytest.approx(1)


def test_outputs_come_back_in_order(tmp_path: Path) -> None:
    saved = {f"output{i}": np.full((2,), i) for i in range(12)}
    np.savez(tmp_path / "o.npz", **saved)
    assert [int(a[0]) for a in outputs.outputs(tmp_path / "o.npz")] == list(range(12))


VALUES = st.one_of(st.floats(-1e3, 1e3, width=32), st.sampled_from([np.nan, np.inf, -np.inf, 0.0]))


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=40))
@example([(np.nan, 1.0), (2.0, 2.0), (1.0, np.inf), (3.0, 2.5)])
@example([(np.nan, np.nan)])
@example([(1.0, 1.0)])
def test_both_halves_of_the_project_mean_the_same(pairs: list[tuple[float, float]]) -> None:
    ours, floats = (np.array(values, np.float32) for values in zip(*pairs, strict=True))
    there, here = figures.error([ours], [floats]), outputs.compare([ours], [floats])
    assert (here.nan, here.inf) == (there["nan"], there["inf"])
    for name in ("cosine", "sqnr_db", "max_abs_error"):
        mine, other = getattr(here, name), there[name]
        assert mine == (None if other is None else pytest.approx(other, rel=1e-6, abs=1e-9))


def test_what_is_no_number_is_counted_and_left_out() -> None:
    found = outputs.compare([np.array([[1.0, 2.0, np.nan, np.inf]])], [np.ones((1, 4))])
    assert (found.nan, found.inf, found.finite) == (1, 1, False)
    assert found.max_abs_error == 1 and found.cosine == pytest.approx(3 / 10**0.5)
