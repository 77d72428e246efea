"""A pass that is running."""

from __future__ import annotations

from ..tvm_types import IRModule


class OpenPass:
    """A pass that has begun and not ended.

    Its `number` is 0 as long as it is only counted: `inside` is how many passes the pass around it
    ran like that.
    """

    __slots__ = ("before", "inside", "name", "number", "snapshot", "stage", "unchanged")

    def __init__(self, number: int, name: str, stage: str, before: IRModule, snapshot: int | None):
        self.number = number
        self.name = name
        self.stage = stage
        self.before = before
        self.snapshot = snapshot
        self.unchanged = False
        self.inside = 0
