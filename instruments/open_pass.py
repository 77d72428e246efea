"""A pass that is running."""

from __future__ import annotations

from typing import Any


class OpenPass:
    """A pass that has begun and not ended."""

    __slots__ = ("before", "name", "number", "snapshot", "stage", "unchanged")

    def __init__(self, number: int, name: str, stage: str, before: Any, snapshot: int | None):
        self.number = number
        self.name = name
        self.stage = stage
        self.before = before
        self.snapshot = snapshot
        self.unchanged = False
