"""What a campaign is: one kind of trouble, made again and again, and what must hold in it."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

Trial = Callable[[Random, Path], None]
"""One try, with chance and an empty folder of its own; raises `Broken`, or whatever came out."""


class Broken(AssertionError):
    """What was promised does not hold; the text says how, in a line."""


@dataclass(frozen=True)
class Campaign:
    """A trial, and how much of the time it gets beside the others."""

    name: str
    promise: str
    trial: Trial
    share: float = 1.0
    lacks: Callable[[], str | None] = lambda: None
    """What this machine has not, without which it cannot be tried; None if it can."""

    def tried(self, seed: int, number: int) -> str | None:
        """Try it once; None, or what broke. The same seed and number make the same trouble."""
        random = Random(f"{seed} {self.name} {number}")
        with tempfile.TemporaryDirectory(prefix="torture-") as folder:
            try:
                self.trial(random, Path(folder))
            except Broken as broken:
                return str(broken)
            except Exception:  # a traceback is what none of them may give
                return traceback.format_exc()
        return None


def expect(holds: object, otherwise: str) -> None:
    """Raises Broken with this text unless it holds."""
    if not holds:
        raise Broken(otherwise)
