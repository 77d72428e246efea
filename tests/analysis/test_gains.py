"""What became of a ratio, in words that its intervals bear out."""

from __future__ import annotations

import pytest

from tvmq_diag.analysis import gains
from tvmq_diag.measurements.paired import Ratio
from tvmq_diag.measurements.tuning import Gain, ScheduleTrial, Task, TaskBegins, Tuning


def sharp(value: float) -> Ratio:
    return Ratio(value, value * 0.99, value * 1.01)


def gain(before: float, after: float) -> Gain:
    return Gain(sharp(before), sharp(after), sharp(after / before))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (1.44, 1.2, "50% of its disadvantage was tuning"),
        (1.3, 0.9, "all of its disadvantage was tuning"),
        (0.9, 0.6, "tuning gains it more than float, the ratio is 0.667"),
        (1.1, 1.3, "tuning gains float more, the ratio is 1.182"),
        (1.3, 1.301, "a change that cannot be told from noise"),
    ],
)
def test_what_became_of_it(before: float, after: float, words: str) -> None:
    assert gains.became(gain(before, after)).startswith(words)


def test_a_disadvantage_that_was_none_was_not_tuning() -> None:
    noisy = Gain(Ratio(1.02, 0.95, 1.1), sharp(0.8), Ratio(0.78, 0.7, 0.85))
    assert "disadvantage" not in gains.became(noisy)


def test_the_sentence_has_both_ratios_with_their_intervals() -> None:
    said = gains.sentence(gain(1.44, 1.2))
    assert "1.440 [1.426, 1.454]" in said and "1.200 [1.188, 1.212]" in said


def test_what_was_not_faster_is_said_to_stay() -> None:
    assert "stays" in gains.gained("the float model", None)
    assert gains.gained("int8", sharp(0.8)) == (
        "int8 tuned takes 0.800 [0.792, 0.808] of its untuned time"
    )
    assert gains.gained("int8", Ratio(0.98, 0.9, 1.1)).endswith("cannot be told from noise")


def tuned(trials: int, complete: bool = True, known: int = 0) -> Tuning:
    begins = TaskBegins(0, "conv2d", "conv2d(...)", 24, known, {})
    return Tuning(
        {0: Task(begins, [ScheduleTrial(0, point, 1.0) for point in range(trials)])},
        complete=complete,
    )


def test_what_gained_nothing_says_how_far_it_came() -> None:
    assert gains.not_gained(tuned(0)) == "the time was not enough to try one schedule of 1 kernels"
    assert gains.not_gained(tuned(0, known=4)).startswith(
        "0 schedules of 1 kernels were tried, and"
    )
    assert gains.not_gained(tuned(3)).startswith("3 schedules of 1 kernels were tried, and none")
    assert "before it was cut off" in gains.not_gained(tuned(3, complete=False))
