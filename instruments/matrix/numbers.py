"""The last step of a cell: are the values those that numpy computes?"""

from __future__ import annotations

import numpy as np

WRONG = "it runs, and the values are wrong"


class WrongNumbers(Exception):
    """It runs, and the values are not those that numpy computes."""


def check(got: np.ndarray, expected: np.ndarray) -> None:
    """Raises WrongNumbers unless every value is the expected one."""
    got = got.astype(np.int64)
    if got.shape != expected.shape:
        raise WrongNumbers(f"the shape is {list(got.shape)} instead of {list(expected.shape)}")
    wrong = got != expected
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise WrongNumbers(
            f"{int(wrong.sum())} of {wrong.size} values differ from numpy's;"
            f" the first at {list(at)}: {int(got[at])} instead of {int(expected[at])}"
        )
