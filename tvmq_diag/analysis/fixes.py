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
"""In the path of each file of TVM's Python quantizer."""

_RULE = r"relay::quantize::(\w+Realize)$"
"""The name of a rule of src/relay/quantize/realize.cc: those are for FQRealizeRewrite, which Python
may register too, of a higher level."""

_CPP = (".cc", ".h")


_MIXED = "tvm::relay::quantize::UnifyDTypeScale"

_RENDER = "tvm::DiagnosticContext::Render"
"""What throws when a rule of realize.cc made something ill-typed (src/ir/diagnostic.cc)."""


@dataclass(frozen=True)
class Fix:
    """A change, in a clause; each of `functions` is of the quantizer, and raises without it.

    `op`: only where that is the op to blame; then realize.cc, in C++, raises, and the change
    registers a rule for the op before the one there.
    """

    name: str
    what: str
    functions: tuple[str, ...]
    op: tuple[str, ...] = ()

    @property
    def patch(self) -> Path:
        """The unified diff."""
        return _PATCHES / f"{self.name}.diff"

    def may_cure(self, verdict: Verdict) -> bool:
        """Is it for what raised in a rejection?"""
        site = verdict.site
        if site is None or site.function not in self.functions:
            return False
        if self.op:
            realize = verdict.pass_name == "QuantizeRealize"
            return realize and verdict.op is not None and verdict.op.name in self.op
        return _QUANTIZER in (site.file or "")


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
        (_MIXED, _RENDER),
        ("concatenate",),
    ),
    Fix(
        "mixed_operands",
        "a rule before realize.cc's computes in float what one operand comes to in float",
        ("tvm::relay::quantize::AddRealize", "tvm::relay::quantize::Conv1dRealize"),
        ("add", "nn.conv1d"),
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
