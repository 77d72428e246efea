from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tvmq_diag.instruments.numerics import figures
from tvmq_diag.instruments.protocol.shares import wilson
from tvmq_diag.measurements import outputs
from tvmq_diag.measurements.metrics import Accuracy, Agreement, Metrics, OverInputs
from tvmq_diag.measurements.outputs import Array, Outputs, one

RNG = np.random.default_rng(0)


def alone(ours: Array, floats: Array) -> Metrics:
    """Of one output for one input."""
    return outputs.compare(one([ours]), one([floats]))


def test_the_same_outputs_agree_in_everything() -> None:
    x = RNG.standard_normal((4, 10))
    found = alone(x, x)
    assert found.cosine == pytest.approx(1)
    assert found.max_abs_error == 0
    assert found.top1_agree == 1
    assert found.sqnr_db is None  # there is no noise


def test_known_noise_gives_its_ratio() -> None:
    x = np.ones((1, 1000))
    found = alone(x * 1.1, x)
    assert found.sqnr_db == pytest.approx(20)
    assert found.max_abs_error == pytest.approx(0.1)


def test_nan_is_not_a_number_to_report() -> None:
    found = alone(np.full((1, 2), np.nan), np.ones((1, 2)))
    assert (found.cosine, found.sqnr_db, found.max_abs_error) == (None, None, None)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes"):
        alone(np.ones((1, 2)), np.ones((2, 1)))
    with pytest.raises(ValueError, match="shapes"):  # another number of inputs
        outputs.compare(Outputs([np.ones((2, 3))]), Outputs([np.ones((3, 3))]))


def test_top1_counts_rows() -> None:
    a = np.array([[1.0, 2.0], [3.0, 0.0]])
    b = np.array([[1.0, 2.0], [0.0, 3.0]])
    assert alone(a, b).top1_agree == 0.5


@given(st.floats(1e-3, 1e3), st.integers(0, 2**31))
def test_cosine_ignores_scale_and_the_gain_names_it(scale: float, seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal((2, 7))
    found = alone(x * scale, x)
    assert found.cosine == pytest.approx(1)
    (output,) = found.outputs
    assert output.gain == OverInputs(pytest.approx(scale), pytest.approx(scale), 0)
    assert output.sqnr_left_db is not None
    left = output.sqnr_left_db.mean
    assert left is None or left > 130  # but for rounding nothing is left


def test_noise_that_is_left_without_the_gain() -> None:
    signal = np.tile([1.0, 1.0, -1.0, -1.0], 25)
    noise = np.tile([0.1, -0.1, 0.1, -0.1], 25)
    (output,) = alone(0.62 * (signal + noise), signal).outputs
    assert output.gain is not None and output.gain.mean == pytest.approx(0.62)
    assert output.sqnr_left_db is not None and output.sqnr_left_db.mean == pytest.approx(20)
    assert output.sqnr_db is not None and output.sqnr_db.mean == pytest.approx(8.29, abs=0.01)


def test_each_input_counts_and_the_worst_is_named() -> None:
    floats = np.array([[[3.0, 4.0]], [[4.0, 3.0]], [[1.0, 0.0]]])
    ours = np.array([[[3.0, 4.0]], [[4.0, 3.0]], [[1.0, 1.0]]])
    found = outputs.compare(Outputs([ours]), Outputs([floats]))
    third = 1 / math.sqrt(2)
    assert found.inputs == 3 and found.cosine == pytest.approx((2 + third) / 3)
    assert found.worst_cosine == pytest.approx(third)
    (output,) = found.outputs
    assert output.cosine is not None and output.cosine.at == 2
    # Over all inputs powers are added: 25 + 25 + 1 of signal to 1 of noise.
    assert found.sqnr_db == pytest.approx(10 * math.log10(51))
    assert output.sqnr_db == OverInputs(found.sqnr_db, 0.0, 2)
    assert output.dtype == "float64" and output.shape == (1, 2)


def test_the_output_that_is_furthest_speaks_for_all() -> None:
    x = RNG.standard_normal((4, 1, 10))
    y = RNG.standard_normal((4, 1000))
    found = outputs.compare(Outputs([x + 1, y]), Outputs([x, y]))
    assert found.furthest is found.outputs[0] and found.furthest.index == 0
    assert found.furthest.cosine is not None and found.cosine == found.furthest.cosine.mean
    assert found.max_abs_error == pytest.approx(1)


def test_integers_are_equal_or_not() -> None:
    floats = np.array([[3], [5], [7], [7]])
    ours = np.array([[3], [4], [7], [7]])
    found = outputs.compare(Outputs([ours]), Outputs([floats]))
    assert (found.cosine, found.sqnr_db, found.top1_agree) == (None, None, None)
    (output,) = found.outputs
    assert output.equal == Agreement(3, 4, against=(1,)) and output.cosine is None
    assert found.agreement == output.equal and found.agreement.share == 0.75
    assert found.differs == 1


def test_a_close_call_is_told_from_a_disagreement() -> None:
    floats = np.array([[[0.0, 1.00, 1.01]], [[0.0, 0.0, 1.0]], [[0.0, 1.0, 0.0]]])
    ours = np.array([[[0.0, 1.02, 1.01]], [[0.0, 1.0, 0.0]], [[0.0, 1.0, 0.0]]])
    (output,) = outputs.compare(Outputs([ours]), Outputs([floats])).outputs
    assert output.top1 == Agreement(1, 3, 1, against=(1,))
    assert output.top1.right == pytest.approx(2 / 3)


def test_noise_larger_than_what_the_scores_are_told_apart_by_is_no_close_call() -> None:
    """A common offset hides from the cosine that the classes are drowned in noise."""
    scores = RNG.standard_normal((50, 1, 10))
    ours = scores + 3 * RNG.standard_normal(scores.shape)
    found = outputs.compare(Outputs([ours + 100]), Outputs([scores + 100]))
    assert found.cosine is not None and found.cosine > 0.99
    assert found.agreement is not None and found.agreement.right < 0.6


def test_labels_are_counted_on_both_sides() -> None:
    floats = np.eye(4)[:, np.newaxis, :]  # input i is class i
    ours = np.eye(4)[[0, 1, 3, 3]][:, np.newaxis, :]
    labels = np.array([[0], [1], [2], [-1]])
    found = outputs.compare(Outputs([ours]), Outputs([floats], labels))
    assert found.accuracy == Accuracy(2, 3, 3)
    assert outputs.compare(Outputs([ours]), Outputs([floats])).accuracy is None


def test_labels_are_held_against_an_output_of_classes() -> None:
    classes = np.array([[0], [1], [2], [3]])
    found = outputs.compare(Outputs([classes]), Outputs([classes], np.array([[0], [1], [2], [0]])))
    assert found.accuracy == Accuracy(3, 3, 4)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_how_much_outputs_differ_from_input_to_input(offset: float) -> None:
    x = np.zeros((16, 1, 1000))
    x += offset + 1
    x[::2] += 1e-3 * (offset + 1)
    found = outputs.compare(Outputs([x]), Outputs([x]))
    # Half of 16·15/2 pairs, and 8 more of them, are apart.
    assert found.differs == pytest.approx(1e-3 * math.sqrt(64 / 120), rel=1e-3)
    assert alone(x[0], x[0]).differs is None


def test_two_inputs_differ_by_the_distance_of_their_outputs() -> None:
    x = np.array([[3.0, 4.0], [-3.0, -4.0]])
    assert outputs.compare(Outputs([x]), Outputs([x])).differs == pytest.approx(2)
    assert outputs.compare(Outputs([0 * x]), Outputs([0 * x])).differs == 0


def test_zeros_of_ours_alone_are_counted() -> None:
    floats = np.array([[1.0, 2.0], [0.0, 0.0], [3.0, 4.0]])
    ours = np.array([[0.0, 0.0], [0.0, 0.0], [3.0, 4.0]])
    (output,) = outputs.compare(Outputs([ours]), Outputs([floats])).outputs
    assert output.zeros == 1
    assert output.cosine is not None and output.cosine.mean == pytest.approx(1)


@pytest.mark.parametrize("count", range(0, 17, 4))
def test_the_interval_is_where_the_score_test_would_not_refuse(count: int) -> None:
    share = count / 16
    for bound in wilson(count, 16):
        if 0 < bound < 1:
            z = (share - bound) / math.sqrt(bound * (1 - bound) / 16)
            assert abs(z) == pytest.approx(1.959964, rel=1e-5)
    low, high = wilson(count, 16)
    assert 0 <= low <= share <= high <= 1 and high - low > 0.15


def test_outputs_come_back_in_order(tmp_path: Path) -> None:
    saved = {f"output{i}": np.full((2,), i) for i in range(12)}
    np.savez(tmp_path / "o.npz", **saved)
    old = outputs.load(tmp_path / "o.npz", stacked=False)
    assert [int(a[0, 0]) for a in old.arrays] == list(range(12))
    assert old.inputs == 1 and old.arrays[0].shape == (1, 2) and old.labels is None


def test_stacked_outputs_come_back_with_their_labels(tmp_path: Path) -> None:
    labels = np.array([[1], [-1], [0]])
    np.savez(tmp_path / "o.npz", output0=np.zeros((3, 1, 2)), labels=labels)
    loaded = outputs.load(tmp_path / "o.npz")
    assert loaded.inputs == 3 and len(loaded.arrays) == 1
    assert loaded.labels is not None and loaded.labels.tolist() == labels.tolist()


VALUES = st.one_of(st.floats(-1e3, 1e3, width=32), st.sampled_from([np.nan, np.inf, -np.inf, 0.0]))


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=40))
@example([(np.nan, 1.0), (2.0, 2.0), (1.0, np.inf), (3.0, 2.5)])
@example([(np.nan, np.nan)])
@example([(1.0, 1.0)])
@example([(0.0, 0.0), (0.0, 0.0)])
def test_both_halves_of_the_project_mean_the_same(pairs: list[tuple[float, float]]) -> None:
    ours, floats = (np.array(values, np.float32) for values in zip(*pairs, strict=True))
    there, here = figures.error([ours], [floats]), alone(ours, floats)
    assert (here.nan, here.inf) == (there["nan"], there["inf"])
    for name in ("cosine", "sqnr_db", "max_abs_error"):
        mine, other = getattr(here, name), there[name]
        assert mine == (None if other is None else pytest.approx(other, rel=1e-6, abs=1e-9))


def test_labels_are_no_signal_in_a_tvm_process_either() -> None:
    x, labels = np.ones((1, 4)), np.arange(4)
    found = figures.error([x * 1.1, labels[::-1]], [x, labels])
    assert found["cosine"] == pytest.approx(1) and found["sqnr_db"] == pytest.approx(20)
    assert found["same"] == 0
    alone = figures.error([np.array([0, 1, 2, 9])], [labels])
    assert alone["same"] == 0.75 and alone["cosine"] is None and alone["max_abs_error"] == 6
    assert "same" not in figures.error([x], [x])


def test_what_is_no_number_is_counted_and_left_out() -> None:
    found = alone(np.array([[1.0, 2.0, np.nan, np.inf]]), np.ones((1, 4)))
    assert (found.nan, found.inf, found.finite) == (1, 1, False)
    assert found.max_abs_error == 1 and found.cosine == pytest.approx(3 / 10**0.5)


def test_nan_of_the_float_model_is_no_fault_of_ours() -> None:
    x = np.array([[1.0, np.nan, 2.0]])
    assert alone(x, x).finite and not alone(x * np.nan, x).finite


def test_metrics_survive_their_file() -> None:
    x = RNG.standard_normal((3, 1, 4))
    found = outputs.compare(Outputs([x + 0.1]), Outputs([x], np.array([[0], [1], [2]])))
    assert msgspec.convert(msgspec.to_builtins(found), Metrics) == found
