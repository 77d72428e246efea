from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tvmq_diag.instruments.numerics import figures
from tvmq_diag.measurements import outputs
from tvmq_diag.measurements.metrics import Metrics, interval
from tvmq_diag.measurements.outputs import Outputs


def compare(ours: np.ndarray, floats: np.ndarray) -> Metrics:
    """Of one output on one input."""
    return outputs.compare(Outputs([ours[None]]), Outputs([floats[None]]))


def test_the_same_outputs_agree_in_everything() -> None:
    x = np.random.default_rng(0).standard_normal((4, 10))
    found = compare(x, x)
    assert found.cosine == pytest.approx(1)
    assert found.max_abs_error == 0
    assert found.top1_agree == 1
    assert found.sqnr_db is None  # there is no noise


def test_known_noise_gives_its_ratio() -> None:
    x = np.ones((1, 1000))
    found = compare(x * 1.1, x)
    assert found.sqnr_db == pytest.approx(20)
    assert found.max_abs_error == pytest.approx(0.1)


def test_nan_is_not_a_number_to_report() -> None:
    bad = np.full((1, 2), np.nan)
    found = compare(bad, np.ones((1, 2)))
    assert (found.cosine, found.sqnr_db, found.max_abs_error) == (None, None, None)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes"):
        compare(np.ones((1, 2)), np.ones((2, 1)))


def test_top1_counts_rows() -> None:
    a = np.array([[1.0, 2.0], [3.0, 0.0]])
    b = np.array([[1.0, 2.0], [0.0, 3.0]])
    assert compare(a, b).top1_agree == 0.5


@given(st.floats(1e-3, 1e3), st.integers(0, 2**31))
def test_cosine_ignores_scale(scale: float, seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal((2, 7))
    found = compare(x * scale, x)
    assert found.cosine == pytest.approx(1)


def test_outputs_come_back_in_order(tmp_path: Path) -> None:
    saved = {f"output{i}": np.full((2,), i) for i in range(12)}
    np.savez(tmp_path / "o.npz", **saved)
    loaded = outputs.load(tmp_path / "o.npz", None)
    assert [a.tolist() for a in loaded.arrays] == [[[i, i]] for i in range(12)]
    assert loaded.labels is None
    assert outputs.load(tmp_path / "o.npz", 2).arrays[3].tolist() == [3, 3]


VALUES = st.one_of(st.floats(-1e3, 1e3, width=32), st.sampled_from([np.nan, np.inf, -np.inf, 0.0]))


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=40))
@example([(np.nan, 1.0), (2.0, 2.0), (1.0, np.inf), (3.0, 2.5)])
@example([(np.nan, np.nan)])
@example([(1.0, 1.0)])
def test_both_halves_of_the_project_mean_the_same(pairs: list[tuple[float, float]]) -> None:
    ours, floats = (np.array(values, np.float32) for values in zip(*pairs, strict=True))
    there, here = figures.error([ours], [floats]), compare(ours, floats)
    assert (here.nan, here.inf) == (there["nan"], there["inf"])
    for name in ("cosine", "sqnr_db", "max_abs_error"):
        mine, other = getattr(here, name), there[name]
        assert mine == (None if other is None else pytest.approx(other, rel=1e-6, abs=1e-9))


def test_what_is_no_number_is_counted_and_left_out() -> None:
    found = compare(np.array([[1.0, 2.0, np.nan, np.inf]]), np.ones((1, 4)))
    assert (found.nan, found.inf, found.finite) == (1, 1, False)
    assert found.max_abs_error == 1 and found.cosine == pytest.approx(3 / 10**0.5)


def several(*inputs: list[float], labels: list[int] | None = None) -> Outputs:
    """Scores of inputs with a batch of one."""
    scores = np.array(inputs, np.float32)[:, None]
    return Outputs([scores], None if labels is None else np.array(labels, np.int64)[:, None])


def test_the_worst_input_has_its_own_figures() -> None:
    floats = several([1.0, 0.0], [0.0, 1.0], [1.0, 1.0])
    ours = several([1.0, 0.0], [1.0, 1.0], [1.0, 1.0])
    metrics = outputs.compare(ours, floats)
    assert metrics.inputs == 3 and metrics.worst_input == 1
    assert metrics.worst_cosine == pytest.approx(0.5**0.5)
    assert metrics.cosine == pytest.approx((2 + 0.5**0.5) / 3)
    assert metrics.worst_sqnr_db == pytest.approx(0)


def test_a_gain_error_is_told_from_noise() -> None:
    x = np.random.default_rng(0).standard_normal((1, 1000))
    noise = np.random.default_rng(1).standard_normal((1, 1000))
    metrics = compare(0.5 * x + 0.01 * noise, x)
    assert metrics.factor == pytest.approx(0.5, abs=0.01)
    assert metrics.gain_error is not None and metrics.gain_error.startswith(
        "off by a factor of 0.5"
    )
    assert metrics.factor_sqnr_db == pytest.approx(34, abs=1)
    assert compare(x + noise, x).gain_error is None  # a factor helps little
    assert compare(x, x).gain_error is None


def test_integers_are_counted_and_have_no_cosine() -> None:
    labels = np.array([1, 2, 3, 4])
    metrics = compare(np.array([1, 2, 3, 5]), labels)
    assert (metrics.equal, metrics.cosine, metrics.sqnr_db) == (0.75, None, None)
    assert metrics.outputs[0].equal == 0.75 and not metrics.zero
    both = Outputs([np.ones((1, 1, 4)), labels[None]])
    mixed = outputs.compare(both, both)
    assert mixed.equal == 1 and mixed.cosine == pytest.approx(1)


def test_labels_give_the_top1_of_both() -> None:
    floats = several([1.0, 0.0], [0.0, 1.0], [0.0, 1.0], labels=[0, 1, -1])
    ours = several([1.0, 0.0], [1.0, 0.0], [0.0, 1.0])
    metrics = outputs.compare(ours, floats)
    assert (metrics.labelled, metrics.top1, metrics.float_top1) == (2, 0.5, 1.0)
    assert metrics.top1_agree == pytest.approx(2 / 3)


def test_a_lead_of_nothing_is_no_answer() -> None:
    floats = several([1.0, 0.99, 0.0], [1.0, 0.0, 0.0], [0.0, 0.5, 1.0])
    ours = several([0.99, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.5, 0.0])
    metrics = outputs.compare(ours, floats)
    assert metrics.top1_agree == pytest.approx(1 / 3)
    assert (metrics.decided, metrics.decided_agree) == (2, 0.5)


def test_only_scores_have_a_top1() -> None:
    picture = np.random.default_rng(0).standard_normal((1, 3, 8, 8))
    assert compare(picture, picture).top1_agree is None


def test_an_output_that_is_the_same_for_every_input_is_named() -> None:
    floats, same = several([1.0, 2.0], [2.0, 1.0]), several([1.0, 1.0], [1.0, 1.0])
    assert outputs.compare(same, floats).constant
    assert not outputs.compare(floats, floats).constant
    assert not outputs.compare(same, same).constant
    assert not compare(np.ones((1, 2)), np.ones((1, 2))).constant  # a single input


def test_a_float_model_that_answers_nothing_is_no_measure() -> None:
    dull, lively = several([1.0, 1.0], [1.0, 1.0001]), several([1.0, 0.0], [0.0, 1.0])
    metrics = outputs.compare(dull, dull)
    assert metrics.difference == pytest.approx(7e-5, rel=0.1) and not metrics.telling
    assert outputs.compare(lively, lively).telling
    assert compare(np.ones((1, 2)), np.ones((1, 2))).telling  # of one input nobody knows


def test_the_interval_of_a_share_holds_for_few_rows() -> None:
    low, high = interval(16, 16) or (0, 0)
    assert high == 1 and low == pytest.approx(0.806, abs=1e-3)
    low, high = interval(12, 16) or (0, 0)
    assert (low, high) == (pytest.approx(0.505, abs=1e-3), pytest.approx(0.898, abs=1e-3))
    assert interval(0, 0) is None
