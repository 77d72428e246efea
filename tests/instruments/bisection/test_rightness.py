"""What is right in a bisection: the same as in the verdict of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvmq_diag.analysis import accuracy
from tvmq_diag.instruments.bisection.rightness import Bounds, as_float, as_trusted
from tvmq_diag.instruments.bisection.search import Judged, Ran
from tvmq_diag.measurements import outputs
from tvmq_diag.measurements.outputs import Outputs


def figures(judge: Callable[[Ran], Judged], *outputs: Any, repeats: bool = True) -> Judged:
    return judge(Ran([np.asarray([output], "float32") for output in outputs], repeats))


def test_right_is_near_to_float_finite_and_the_same_each_time() -> None:
    judge = as_float([np.array([[1.0, 2.0, 3.0]])], Bounds())
    assert figures(judge, [1.1, 2.0, 2.9]).right
    assert figures(judge, [3.0, 0.0, -3.0]).wrong
    assert figures(judge, [0.0, 0.0, 0.0]).wrong
    assert figures(judge, [np.nan, 2.0, 3.0]).wrong
    assert figures(judge, [1.0, 2.0, 3.0], repeats=False).wrong
    zeros = as_float([np.zeros((1, 3))], Bounds())
    assert figures(zeros, [0.0, 0.0, 0.0]).right


def test_the_worst_result_of_a_part_counts() -> None:
    judge = as_trusted(Ran([np.ones((1, 4)) * 1000, np.ones((1, 4)), np.zeros((1, 4))]))
    assert figures(judge, np.ones(4) * 1000, np.ones(4), np.ones(4)).right
    assert figures(judge, np.ones(4) * 1000, -np.ones(4), np.zeros(4)).wrong
    twice = figures(judge, np.ones(4) * 1000, 2 * np.ones(4), np.zeros(4))
    assert twice.wrong  # a cosine would not see it


def judged_as_a_run(ours: Any, floats: Any) -> bool:
    """The inputs here are those that show a fault, so their share counts as it is: how sure it is
    of others is not asked."""
    metrics = outputs.compare(Outputs([ours]), Outputs([floats]))
    same = metrics.agreement
    differs = same is not None and same.right < accuracy.Bounds().agreement
    return accuracy.shown_by(metrics, accuracy.Bounds()) is None and not differs


@given(st.integers(0, 2**31), st.floats(-3, 1), st.integers(1, 4), st.sampled_from([1, 2, 10]))
def test_scores_are_right_here_where_they_are_in_a_run(
    seed: int, power: float, inputs: int, classes: int
) -> None:
    generator = np.random.default_rng(seed)
    floats = generator.standard_normal((inputs, 1, classes)) + generator.integers(0, 3)
    ours = floats + 10**power * generator.standard_normal(floats.shape)
    if seed % 5 == 0:
        ours[:] = ours[:1]
    right = as_float([floats], Bounds())(Ran([ours])).right
    if (
        inputs == 1
        or accuracy.unjudged(outputs.compare(Outputs([ours]), Outputs([floats]))) is None
    ):
        assert right == judged_as_a_run(ours, floats)


@given(st.integers(0, 2**31), st.integers(0, 4))
def test_so_are_integers(seed: int, others: int) -> None:
    generator = np.random.default_rng(seed)
    floats = np.arange(20).reshape(2, 10)
    ours = floats.copy()
    ours.ravel()[generator.permutation(20)[:others]] += 1
    judged = as_float([floats], Bounds())(Ran([ours]))
    assert judged.right == judged_as_a_run(ours, floats) == (others <= 2)
    assert judged.figures is not None and judged.figures["cosine"] is None
    assert judged.figures["same"] == pytest.approx(1 - others / 20)


def test_only_the_output_that_was_wrong_is_judged() -> None:
    floats = [np.ones((1, 4)), np.ones((1, 4))]
    ran = Ran([np.ones((1, 4)), -np.ones((1, 4))])
    assert as_float(floats, Bounds())(ran).wrong
    assert as_float(floats, Bounds(output=0))(ran).right
    assert as_float(floats, Bounds(output=1))(ran).wrong


def test_the_worst_input_counts() -> None:
    floats = np.eye(3)
    ours = floats.copy()
    ours[2] = 1, 1, 0
    judged = as_float([floats], Bounds())(Ran([ours]))
    assert judged.wrong and judged.figures is not None and judged.figures["cosine"] == 0


def test_what_is_the_same_for_every_input_is_wrong_whatever_its_cosine() -> None:
    floats = 10 + np.random.default_rng(0).standard_normal((2, 100))
    judge = as_float([floats], Bounds())
    assert judge(Ran([np.tile(floats.mean(axis=0), (2, 1))])).wrong
    assert judge(Ran([floats])).right
