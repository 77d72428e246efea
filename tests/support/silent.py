"""Functions that raise without a word. Not in a module of tests: pytest gives assertions a text."""

from __future__ import annotations

import numpy as np


class Kind:
    """As QAnnotateKind: a class of numbers."""

    INPUT = 1
    ACTIVATION = 3


class Touchy:
    """What must not be touched: each use of it is an error of the test."""

    def __init__(self) -> None:
        self.plain = "as it is"
        self.used: list[str] = []

    @property
    def computed(self) -> int:
        self.used.append("a property was read")
        return 0

    def __len__(self) -> int:
        self.used.append("its length was asked for")
        return 0

    def __getitem__(self, index: int) -> int:
        self.used.append("an item was read")
        return 0

    def __repr__(self) -> str:
        self.used.append("it was printed")
        return ""


def several_lines() -> None:
    sizes, name = [1, 2, 3], "data"
    assert (
        len(sizes) == 4
        and name in ("weight",)
    )  # fmt: skip


def branches() -> None:
    left, right = Kind.INPUT, Kind.ACTIVATION
    for _ in range(1):
        if left is None:
            return
        if right in [Kind.ACTIVATION]:
            if left == right:
                continue
            raise ValueError


def touchy(thing: Touchy) -> None:
    assert thing.plain == "" or (thing is None and (thing.computed or thing[0] or len(thing)))


def arrays() -> None:
    array, text = np.zeros((2, 3), "float32"), "x" * 1000
    assert array.dtype == "int8" and array is text


def speaking() -> None:
    raise ValueError("no")


def without_source() -> None:
    exec("assert 1 == 2")
