"""A comparison as comparison.json holds it, read back as far as a list of runs tells of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from .. import foreign
from ..results.facts import Circumstances

RECORD = "comparison.json"


class ComparisonRecord(Circumstances, kw_only=True):
    """Of comparison.json what tells one from the other: see run_diff.Comparison for the whole."""

    difference: str = msgspec.field(name="headline")
    regressions: list[str]
    before: str | None = None
    """The two folders that were compared, as they were typed."""
    now: str | None = None

    title = "comparison"

    @property
    def headline(self) -> str:
        """The first difference, and how much is worse."""
        worse = len(self.regressions)
        return f"{self.difference}; {worse} regression{'s' if worse != 1 else ''}"


_DECODER = msgspec.json.Decoder(ComparisonRecord)


def load(folder: Path) -> ComparisonRecord:
    """The record in a folder. Raises UsageError when there is none, or it is damaged."""
    return foreign.record(folder, RECORD, _DECODER)
