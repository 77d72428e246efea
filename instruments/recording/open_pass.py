"""A pass that is running."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..tvm_types import IRModule, Target


class Surroundings(NamedTuple):
    """What a pass ran in: the PassContext, and the target that was current; None where neither is
    known. Without them it may not do again what it did."""

    context: Any = None
    target: Target = None


def surroundings() -> Surroundings:
    """Those of now."""
    import tvm

    context, target = tvm.transform.PassContext.current(), tvm.target.Target
    return Surroundings(context, target.current(allow_none=True))


class OpenPass:
    """A pass that has begun and not ended.

    Its `number` is 0 as long as it is only counted: `inside` is how many passes the pass around it
    ran like that. `made`: pass objects one of which this is a run of, where they are at hand.
    """

    __slots__ = (
        "before", "inside", "made", "name", "number", "snapshot", "stage", "surroundings",
        "unchanged",
    )  # fmt: skip

    def __init__(self, number: int, name: str, stage: str, before: IRModule, snapshot: int | None):
        self.number = number
        self.name = name
        self.stage = stage
        self.before = before
        self.snapshot = snapshot
        self.unchanged = False
        self.inside = 0
        self.made: list[Any] = []
        self.surroundings = Surroundings()
