"""A task of tuning without a TVM: schedules are as fast, wrong or deadly as they are said to be.
What is tested with it is the search, which knows of TVM nothing else than this."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tvmq_diag.instruments.tuning.tunable import Use
from tvmq_diag.instruments.tuning.workers import Run

DEADLY, HANGING, REFUSED, WRONG = 0, 1, 2, 3


class Schedules:
    """Of 12 points the first four are what their names say; the others take `ms` by point, else 20.

    The default takes 10 ms. Of two knobs the second, of 3 choices, changes the layout.
    """

    name, text, key = "conv", "int8[1]", "conv"

    def __init__(self, ms: dict[int, float], uses: dict[str, Use] | None = None) -> None:
        self.choices = [4, 3]
        self.kept = {1: 2}
        self.uses = uses or {"int8": Use(2, 30.0)}
        self._ms = ms

    def timer(self, point: int | None) -> Run:
        if point == REFUSED:
            raise ValueError("the schedule is not valid\nfor this target")
        if point == HANGING:
            time.sleep(60)
        if point == DEADLY:
            return lambda: ctypes.string_at(0)
        ms = 10.0 if point is None else self._ms.get(point, 20.0)
        return lambda: ms

    def outputs(self, point: int | None) -> Run:
        return lambda: np.full(3, int(point == WRONG), "int32")

    def record(self, point: int, ms: float | None, hung: bool) -> str:
        return f"{point} {ms} {hung}"

    def known(self, lines: Sequence[str]) -> dict[int, float | None]:
        words = (line.split() for line in lines)
        return {int(point): None if ms == "None" else float(ms) for point, ms, _ in words}


def kept(folder: Path) -> dict[int, float | None]:
    """What the folder of records knows of the task's points."""
    return Schedules({}).known((folder / "conv.log").read_text().splitlines())
