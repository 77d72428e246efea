"""Changes of TVM's Python quantizer that cure a failure, by what raised it.

Each is a unified diff in `patches`, made for TVM 0.16. scripts/fixes.py holds each against the
gallery and the digits: docs/gallery/README.md has what came of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..results.verdict import REJECTED, Verdict

_PATCHES = Path(__file__).parent / "patches"

_QUANTIZER = "relay/quantize/"
"""In the path of each file of TVM's Python quantizer."""


@dataclass(frozen=True)
class Fix:
    """A change, in a clause; `file` and `function` are of the quantizer, and raise without it."""

    name: str
    what: str
    file: str
    function: str

    @property
    def patch(self) -> Path:
        """The unified diff."""
        return _PATCHES / f"{self.name}.diff"


FIXES = (
    Fix(
        "product_of_two",
        "multiply_rewrite quantizes both factors, and takes a scalar as a tensor of one value",
        "_annotate.py",
        "multiply_rewrite",
    ),
    Fix(
        "joined_split",
        "concatenate_rewrite takes the parts of what is no written-out tuple one by one",
        "_annotate.py",
        "concatenate_rewrite",
    ),
    Fix(
        "computed_weight",
        "what has a weight that is no constant stays in float, as calibrate finds no scale for it",
        "_calibrate.py",
        "visit_func",
    ),
)


def fix_for(verdict: Verdict) -> Fix | None:
    """What may cure a rejection; None if nothing is known."""
    site = verdict.site
    if verdict.outcome != REJECTED or site is None or _QUANTIZER not in (site.file or ""):
        return None
    name = str(site.file).rpartition("/")[2]
    return next((fix for fix in FIXES if (fix.file, fix.function) == (name, site.function)), None)
