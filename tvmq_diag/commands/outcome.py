"""What a command came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """The exit code, and `record`, what `--json` prints of it: JSON's types, and paths."""

    code: int = 0
    record: dict[str, Any] = field(default_factory=dict)
