"""What a failure is, whatever the dialect: when two are the same, and the op one comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable

Attempt = Callable[[Any], None]
"""Runs the failing step on a module; raises as the compile did, or returns."""

Wrap = Callable[[Attempt], Attempt]
"""How to run an attempt: as it is, or in a process of its own."""


def as_it_is(attempt: Attempt) -> Attempt:
    """No wrapping."""
    return attempt


@dataclass
class Blame:
    """The op a failure comes from. `row` and `index` count rows and calls of the op table."""

    row: int
    index: int
    name: str
    within: str | None
    """For an op inside a fused function: the ops that were fused with it."""
    runs: int
    ms: float
    how: str
    snapshot: int | None = None
    """Whose table it is a row of; None: that before the innermost failing pass with a graph."""


@dataclass
class Culprit:
    """The op that handed on what the op that a failure surfaces at could not take.

    `index` counts calls of the op table; None: what is no call, as an `if`. `dtype` is the one that
    its value would have to be in; None: a parameter in its place lets the pass through, or what
    `proof` says.
    """

    index: int | None
    name: str
    dtype: str | None
    proof: str | None = None


def signature(error: BaseException) -> str:
    """What makes two failures the same: class and last line, addresses and numbers of lines out."""
    return f"{type(error).__name__}: {last_line(error)}"


def last_line(error: BaseException) -> str:
    """The line of a TVM error that says what is wrong, without its class name."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[-1] if lines else ""
    text = re.sub(r"^(?:\w+(?:Error|Exception)):\s*", "", text)
    return re.sub(r"0x[0-9a-f]+", "0x…", text).rstrip(" :")
