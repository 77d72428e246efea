"""What is said of a configuration that ran, by its numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tvmq_diag.analysis import accuracy, judge
from tvmq_diag.analysis.accuracy import Bounds
from tvmq_diag.configuration import parse
from tvmq_diag.measurements import outputs
from tvmq_diag.measurements.metrics import Metrics
from tvmq_diag.measurements.outputs import Array, Outputs
from tvmq_diag.results.verdict import NOT_JUDGED, WORKS, WRONG, Verdict
from tvmq_diag.trace.trace import Trace

RNG = np.random.default_rng(0)
SCORES = RNG.standard_normal((16, 1, 10))
"""Of 16 inputs that a model tells apart."""


def metrics(ours: Array, floats: Array, *more: tuple[Array, Array]) -> Metrics:
    pairs = [(ours, floats), *more]
    return outputs.compare(Outputs([a for a, _ in pairs]), Outputs([b for _, b in pairs]))


def verdict(found: Metrics | None, bounds: Bounds | None = None, **trace: bool) -> Verdict:
    recorded = Trace(Path("x"), **trace)
    return judge.of_result(parse("int8/int8/int32"), "relay", recorded, found, bounds)


def wrong(found: Metrics, bounds: Bounds | None = None) -> str:
    """What is wrong, in the verdict's words."""
    decided = verdict(found, bounds)
    assert decided.outcome == WRONG and decided.message is not None
    return decided.message


def noisy(share: float, floats: Array = SCORES) -> Array:
    return floats + share * RNG.standard_normal(floats.shape)


def test_small_noise_works_and_needs_no_words() -> None:
    decided = verdict(metrics(noisy(0.01), SCORES))
    assert (decided.outcome, decided.message) == (WORKS, None)
    assert decided.headline == "int8/int8/int32 works"


def test_one_bad_input_of_many_is_enough() -> None:
    ours = noisy(0.01)
    ours[5] = -ours[5]
    message = wrong(metrics(ours, SCORES))
    assert message.startswith("cosine -1.000 to the float model on input 5, the worst of 16, 0.87")
    assert message.endswith("in the mean (at least 0.95 is right)")


def test_the_bound_is_the_persons() -> None:
    found = metrics(noisy(0.1), SCORES)
    assert verdict(found).outcome == WORKS
    assert "(at least 0.9999 is right)" in wrong(found, Bounds(cosine=0.9999))


def test_one_input_needs_no_number() -> None:
    message = wrong(metrics(-SCORES[:1], SCORES[:1]))
    assert message == "cosine -1.000 to the float model (at least 0.95 is right)"


def another_class(count: int) -> tuple[Array, Array]:
    """Two classes ahead of eight; which of the two is first is another one for so many inputs."""
    floats = np.zeros((16, 1, 10)) - 8
    floats[::2, :, 0], floats[1::2, :, 1] = 10, 10
    floats[::2, :, 1], floats[1::2, :, 0] = 6, 6
    ours = floats.copy()
    other = np.array([[7.9, 8.1], [8.1, 7.9]])
    ours[:count, 0, :2] = other[np.arange(count) % 2]
    return ours, floats


@pytest.mark.parametrize(("count", "outcome"), [(0, WORKS), (3, WORKS), (4, WRONG)])
def test_three_rows_in_sixteen_may_have_another_class_and_four_may_not(
    count: int, outcome: str
) -> None:
    found = metrics(*another_class(count))
    assert found.worst_cosine is not None and found.worst_cosine > 0.98
    decided = verdict(found)
    assert decided.outcome == outcome
    if count == 4:
        expected = "the top-1 is the float model's 12 of 16 times (75 % [51 %, 90 %]): surely less"
        assert decided.message == f"{expected} than 0.9"
        fault = accuracy.fault(found, Bounds())
        assert fault is not None and fault.inputs == (0, 1, 2, 3)


def test_three_rows_in_nine_may_not() -> None:
    ours, floats = another_class(3)
    assert verdict(metrics(ours[:9], floats[:9])).outcome == WRONG
    assert verdict(metrics(ours[:9], floats[:9]), Bounds(agreement=0.8)).outcome == WORKS


def test_a_close_call_is_no_fault() -> None:
    floats = SCORES.copy()
    floats[:, :, 1] = floats[:, :, 0] = 5
    ours = noisy(0.01, floats)
    found = metrics(ours, floats)
    assert found.top1_agree is not None and found.top1_agree < 0.9
    assert verdict(found).outcome == WORKS


def test_a_gain_error_is_named_where_it_works_and_where_it_does_not() -> None:
    found = metrics(0.62 * noisy(0.1), SCORES)
    decided = verdict(found)
    assert decided.outcome == WORKS
    assert decided.headline.startswith("int8/int8/int32 works: off by a factor of 0.6")
    assert decided.headline.endswith("dB once it is taken out")
    failed = wrong(found, Bounds(cosine=0.9999))
    assert "(at least 0.9999 is right); off by a factor of 0.6" in failed


def test_a_small_factor_and_plain_noise_are_no_gain_error() -> None:
    assert accuracy.gain_error(metrics(0.99 * SCORES, SCORES)) is None
    assert accuracy.gain_error(metrics(noisy(0.3), SCORES)) is None
    assert accuracy.gain_error(metrics(RNG.standard_normal(SCORES.shape), SCORES)) is None
    assert accuracy.gain_error(metrics(-SCORES, SCORES)) is None


def test_nothing_but_a_factor_leaves_nothing() -> None:
    said = accuracy.gain_error(metrics(2 * SCORES, SCORES))
    assert said == "off by a factor of 2.00: 0.0 dB, nothing once it is taken out"


def test_a_constant_output_is_named_whatever_its_cosine() -> None:
    floats = 10 + 0.5 * SCORES
    ours = np.tile(floats.mean(axis=0), (16, 1, 1))
    message = wrong(metrics(ours, floats), Bounds(cosine=0.9, agreement=0))
    assert message.startswith("the output is the same for every input; the float model's differs")


def test_zeros_are_named() -> None:
    assert wrong(metrics(0 * SCORES, SCORES)) == "the output is all zeros"
    ours = noisy(0.01)
    ours[3] = 0
    assert wrong(metrics(ours, SCORES)) == "the output is all zeros for 1 of 16 inputs"


def test_nan_is_wrong_unless_it_is_the_float_models() -> None:
    ours = SCORES.copy()
    ours[0, 0, 0] = np.nan
    assert wrong(metrics(ours, SCORES)) == "the output holds NaN or infinity"
    assert verdict(metrics(ours, ours)).outcome == WORKS


def test_a_model_that_hardly_tells_its_inputs_apart_is_not_judged() -> None:
    floats = 1 + 1e-5 * SCORES
    decided = verdict(metrics(-floats, floats))
    assert decided.outcome == NOT_JUDGED
    assert decided.message is not None
    assert decided.message.startswith("the float model's own outputs differ by 0.0014 % between")
    left = decided.metrics
    assert left is not None and (left.cosine, left.sqnr_db, left.top1_agree) == (None,) * 3
    assert left.outputs[0].cosine is None and left.differs is not None
    assert decided.suggestion is not None and "--check-on" in decided.suggestion


def test_zeros_are_wrong_even_there() -> None:
    assert wrong(metrics(0 * SCORES, 1 + 1e-5 * SCORES)) == "the output is all zeros"


def test_an_output_that_never_changes_has_no_say_beside_one_that_does() -> None:
    boxes = np.tile(RNG.standard_normal((1, 4, 8)), (16, 1, 1))
    assert verdict(metrics(noisy(0.01), SCORES, (-boxes, boxes))).outcome == WORKS
    assert "output 0: cosine" in wrong(metrics(-SCORES, SCORES, (boxes, boxes)))


def test_integers_are_counted() -> None:
    floats = np.arange(16).reshape(16, 1)
    ours = floats.copy()
    ours[:4] += 1
    message = wrong(metrics(ours, floats))
    assert message.startswith("the value is the float model's 12 of 16 times (75 % [51 %, 90 %])")
    ours[3:4] -= 1
    assert verdict(metrics(ours, floats)).outcome == WORKS
    assert "is the same for every input" in wrong(metrics(0 * floats, floats))


def test_without_outputs_to_compare_with_it_is_not_judged() -> None:
    decided = verdict(None)
    assert decided.outcome == NOT_JUDGED and decided.metrics is None
    assert verdict(None, deterministic=False).outcome == WRONG


@pytest.mark.parametrize(
    ("old", "outcome"),
    [
        (Metrics(0.99, 20.0, 0.1, 1.0), WORKS),
        (Metrics(0.9, 8.0, 0.1, 1.0), WRONG),
        (Metrics(None, 0.0, 0.1, 1.0), WRONG),
        (Metrics(0.99, 20.0, 0.1, 1.0, nan=1), WRONG),
    ],
)
def test_metrics_of_an_older_run_are_judged_as_they_were(old: Metrics, outcome: str) -> None:
    assert verdict(old).outcome == outcome


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (2e-6, "0.00020 %"),
        (0.01, "1.0 %"),
        (0.5, "50 %"),
        (0.985, "98 %"),
        (597 / 599, "99.7 %"),
        (1 - 2e-5, "99.998 %"),
        (1, "100 %"),
        (1.41, "141 %"),
    ],
)
def test_shares_near_nothing_and_near_all_keep_their_digits(share: float, text: str) -> None:
    assert accuracy.percent(share) == text
