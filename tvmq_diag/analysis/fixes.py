"""Changes of TVM's Python quantizer that cure a failure, by what raised it.

Each is a unified diff in `patches`, made for TVM 0.16. scripts/fixes.py holds each against the
gallery and the digits: docs/gallery/README.md has what came of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..results.verdict import REJECTED, Verdict

_PATCHES = Path(__file__).parent / "patches"

_QUANTIZER = "relay/quantize/"
"""In the path of each file of TVM's quantizer."""

_RULE = r"relay::quantize::(\w+Realize)$"
"""The name of a rule of src/relay/quantize/realize.cc: those are for FQRealizeRewrite, which Python
may register too, of a higher level."""

_CPP = (".cc", ".h")


@dataclass(frozen=True)
class Fix:
    """A change, in a clause; each of `functions` is of the quantizer, in Python or C++, and raises
    without it. For what realize.cc raises it registers a rule before the one there.

    `mixes`: it is for an op that hands on another dtype, too, which surfaces elsewhere.
    """

    name: str
    what: str
    functions: tuple[str, ...]
    mixes: bool = False

    @property
    def patch(self) -> Path:
        """The unified diff."""
        return _PATCHES / f"{self.name}.diff"

    def may_cure(self, verdict: Verdict) -> bool:
        """Is it for what raised in a rejection?"""
        site = verdict.site
        if self.mixes and verdict.surfaced is not None:
            return True
        own = site is not None and _QUANTIZER in (site.file or "")
        return own and site is not None and site.function in self.functions


FIXES = (
    Fix(
        "product_of_two",
        "multiply_rewrite quantizes both factors, and takes a scalar as a tensor of one value",
        ("multiply_rewrite",),
    ),
    Fix(
        "joined_split",
        "concatenate_rewrite takes the parts of what is no written-out tuple one by one",
        ("concatenate_rewrite",),
    ),
    Fix(
        "computed_weight",
        "what has a weight that is no constant stays in float, as calibrate finds no scale for it",
        ("visit_func",),
    ),
    Fix(
        "mixed_concatenate",
        "a rule before realize.cc's brings all parts to dtype_activation, or to float where one is",
        ("tvm::relay::quantize::UnifyDTypeScale",),
        mixes=True,
    ),
    Fix(
        "mixed_operands",
        "a rule before realize.cc's computes in float what one operand comes to in float",
        ("tvm::relay::quantize::AddRealize", "tvm::relay::quantize::Conv1dRealize"),
    ),
)


def fix_for(verdict: Verdict) -> Fix | None:
    """What may cure a rejection; None if nothing is known."""
    if verdict.outcome != REJECTED:
        return None
    return next((fix for fix in FIXES if fix.may_cure(verdict)), None)


def unfixed(verdict: Verdict) -> str | None:
    """Of a rejection that nothing is known to cure: whose code raised it, where that is C++ that
    a change of the quantizer's Python does not touch; None of any other."""
    site = verdict.site
    if verdict.outcome != REJECTED or site is None or not (site.file or "").endswith(_CPP):
        return None
    place = f"{site.function or '?'}, {site.file}"
    rules = (re.search(_RULE, name) for name in _frames(verdict))
    rule = next(filter(None, rules), None)
    if rule is not None:
        return (
            f"none is known: the rule is C++ ({rule[1]} in realize.cc, and what throws is "
            f"{place}): a diff of Python reaches it only by a rule registered before it"
        )
    return f"none is known: it sits in C++ ({place})"


def _frames(verdict: Verdict) -> list[str]:
    site = verdict.site
    return [*verdict.via, *([site.function] if site is not None and site.function else [])]
