"""How far a run's outputs are from the float model's: the figures. measurements.outputs makes them,
with numpy, which nobody needs to read them."""

from __future__ import annotations

import msgspec


class Metrics(msgspec.Struct, frozen=True):
    """A run's outputs against the float model's on the same input: see outputs.compare.

    `nan` and `inf` count values of the run's outputs; the other figures leave those out.
    """

    cosine: float | None
    sqnr_db: float | None
    max_abs_error: float | None
    top1_agree: float | None
    nan: int = 0
    inf: int = 0

    @property
    def finite(self) -> bool:
        """Are all values of the outputs finite numbers, so that the figures are of all of them?"""
        return not (self.nan or self.inf)
